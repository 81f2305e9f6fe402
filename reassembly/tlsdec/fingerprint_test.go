package tlsdec

import (
	"fmt"
	"strings"
	"testing"
)

// TestJA4 is the example in the published description of JA4.
func TestJA4(t *testing.T) {
	o := offer{
		legacy: 0x0303, highest: 0x0304, sni: true, alpn: []byte("h2"),
		ciphers:    []uint16{0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		extensions: []uint16{0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015},
		signatures: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601},
	}
	if got, want := o.ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o.signatures = nil
	if got, want := o.ja4(), "t13d1516h2_8daaf6152771_6d807ffa2a79"; got != want {
		t.Errorf("without signature algorithms: got %s, want %s", got, want)
	}
	if got, want := new(offer).ja4(), "t00i000000_000000000000_000000000000"; got != want {
		t.Errorf("nothing offered: got %s, want %s", got, want)
	}
	for name, want := range map[string]string{
		"": "00", "h2": "h2", "http/1.1": "h1", "x": "xx", "\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "01\xab\xcd": "3d", "0\xab\xcd1": "01",
	} {
		if got := ja4ALPN([]byte(name)); got != want {
			t.Errorf("ALPN %q: got %s, want %s", name, got, want)
		}
	}
}

// TestJA3 is an example that its authors gave with the method: the numbers
// and their MD5.
func TestJA3(t *testing.T) {
	o := offer{
		legacy:     769,
		ciphers:    []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4},
		extensions: []uint16{0, 10, 11}, groups: []uint16{23, 24, 25}, points: []uint16{0},
	}
	if got, want := o.ja3(), "ada70206e40642a3e4461f35503241d5"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	o = offer{legacy: 769, ciphers: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}
	if got, want := o.ja3(), "de350869b8c85de67a350c8d186f11e6"; got != want {
		t.Errorf("no extensions: got %s, want %s", got, want)
	}
}

// TestGREASEDoesNotMatter: a client that sends values of RFC 8701, other ones
// each time, has one fingerprint.
func TestGREASEDoesNotMatter(t *testing.T) {
	hello := func(grease string) []byte {
		list := func(numbers string) string { // of two bytes each, with its length
			return fmt.Sprintf("%04x", len(numbers)/2) + numbers
		}
		extension := func(kind uint16, body string) string { return fmt.Sprintf("%04x", kind) + list(body) }
		versions := grease + "03040303"
		return unhex(t, "0303"+strings.Repeat("11", randomSize)+"00"+list(grease+"1301c02f")+"0100"+list(
			extension(extGroups, list(grease+"001d0017"))+extension(extSignatures, list(grease+"04030804"))+
				extension(extVersions, fmt.Sprintf("%02x", len(versions)/2)+versions)+map[bool]string{true: grease + "0000"}[grease != ""]))
	}
	ja3, ja4 := fingerprints(hello(""))
	for _, grease := range []string{"0a0a", "5a5a", "fafa"} {
		if got3, got4 := fingerprints(hello(grease)); got3 != ja3 || got4 != ja4 || ja4[:8] != "t13i0203" {
			t.Errorf("with %s: got %s, %s\nwant %s, %s", grease, got3, got4, ja3, ja4)
		}
	}
}

func TestFingerprintsOfBrokenHellos(t *testing.T) {
	whole := clientHelloWith(0x0303, 0x0304)
	if ja3, ja4 := fingerprints(whole); ja3 == "" || ja4 == "" {
		t.Error("none of a whole one")
	}
	for n := range len(whole) {
		ja3, ja4 := fingerprints(whole[:n])
		if withoutExtensions := n == len(clientHelloWith(0x0303)); (ja3 != "" || ja4 != "") != withoutExtensions {
			t.Errorf("%d of %d bytes: %s, %s", n, len(whole), ja3, ja4)
		}
	}
}
