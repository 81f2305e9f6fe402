package capture

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// threeInBzip2 is written(sample(3)) as bzip2 makes it; the standard
// library reads that format only.
const threeInBzip2 = `
	QlpoOTFBWSZTWR+8LUEAAFh/2P//////////////////////gCAAEAAgADAA1ikGTACYBMTJkwAC
	YEwExMEwAAAAAmRgJgQwgCKaaJpNMNRiBpggGJoyGmJo0yYJoDAjJiGBNA0AyYjBGmQEqlGjEDE0
	0BkxMgAADQYCMmmjIAAZMjIANNGhiGTE002Z4xnBADssnfGIkCAKEYICEYsoW3MJC/gmDNQnkRRp
	eFho0iXEfWiq1tlay3Wrl9wwY3N1PvGKu9L4vzAMEwjDMQxTGMcyDJMoyzMGRmmcZ5oDMaDUbDcc
	DkWDXYc6VQ6HY700HhUjIeGoPTVNYfCQfj81yjsio2jbNw3TeKSHAcJxHGchykAgnMTAmhOCeFAK
	HVRNDrFodnb3d9Lw8fLz9PX2p1PerWr/HzYs2rdz6yPu7+E3uuj/UnzhD/F3JFOFCQH7wtQQ
`

// packed returns b compressed; the writers of every format look the same.
func packed(t testing.TB, b []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := open(&out)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func toGzip(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
func toZstd(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
func toLZ4(w io.Writer) (io.WriteCloser, error)  { return lz4.NewWriter(w), nil }
func toXZ(c xz.WriterConfig) func(io.Writer) (io.WriteCloser, error) {
	return func(w io.Writer) (io.WriteCloser, error) { return c.NewWriter(w) }
}

// toSmallLZ4 writes blocks of 64 KiB.
func toSmallLZ4(w io.Writer) (io.WriteCloser, error) {
	z := lz4.NewWriter(w)
	return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
}

func toOldLZ4(w io.Writer) (io.WriteCloser, error) {
	z := lz4.NewWriter(w)
	return z, z.Apply(lz4.LegacyOption(true))
}

// noise returns n packets of random bytes, which do not compress, and of
// zeros, which do.
func noise(n, size int) []Packet {
	r := rand.New(rand.NewPCG(1, 2))
	packets := make([]Packet, n)
	for i := range packets {
		data := make([]byte, size)
		if i%3 != 0 {
			for j := range data {
				data[j] = byte(r.Uint32())
			}
		}
		packets[i] = Packet{Nanos: int64(i) * 1e9, Link: LinkEthernet, Data: data, Orig: size}
	}
	return packets
}

// formats returns both, or with -short the first: the test runs for each.
func formats() []Format {
	if testing.Short() {
		return []Format{Pcap}
	}
	return []Format{Pcap, Pcapng}
}

func TestCompressed(t *testing.T) {
	small, large := sample(3), noise(100, 1500)
	half := func(f func(io.Writer) (io.WriteCloser, error)) func(*testing.T, []byte) []byte {
		return func(t *testing.T, b []byte) []byte { return packed(t, b, f) }
	}
	members := func(f func(io.Writer) (io.WriteCloser, error)) func(*testing.T, []byte) []byte {
		return func(t *testing.T, b []byte) []byte {
			n := len(b) / 3
			return concat(packed(t, b[:n], f), packed(t, b[n:n+1], f), packed(t, b[n+1:], f))
		}
	}
	for _, c := range []struct {
		name string
		pack func(*testing.T, []byte) []byte
	}{
		{"gzip", half(toGzip)},
		{"gzip members", members(toGzip)},
		{"gzip with padding", func(t *testing.T, b []byte) []byte {
			return concat(packed(t, b[:100], toGzip), make([]byte, 3), packed(t, b[100:], toGzip), make([]byte, 70<<10))
		}},
		{"zstd", half(toZstd)},
		{"zstd frames", members(toZstd)},
		{"zstd frames of pzstd", func(t *testing.T, b []byte) []byte {
			skipped := []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00size") // pzstd puts the length of the next frame there
			return concat(skipped, packed(t, b[:100], toZstd), skipped, packed(t, b[100:], toZstd))
		}},
		{"zstd behind a large skippable frame", func(t *testing.T, b []byte) []byte {
			return concat([]byte("\x5f\x2a\x4d\x18\x00\x00\x02\x00"), make([]byte, 0x20000), packed(t, b, toZstd))
		}},
		{"lz4 behind skippable frames", func(t *testing.T, b []byte) []byte {
			skipped := []byte("\x51\x2a\x4d\x18\x04\x00\x00\x00note")
			return concat(skipped, skipped, packed(t, b[:100], toLZ4), skipped, packed(t, b[100:], toLZ4))
		}},
		{"lz4", half(toLZ4)},
		{"lz4 frames", members(toLZ4)},
		{"lz4 legacy", half(toOldLZ4)},
		{"xz", half(toXZ(xz.WriterConfig{}))},
		{"xz streams", members(toXZ(xz.WriterConfig{}))},
		{"xz streams with padding", func(t *testing.T, b []byte) []byte {
			return concat(packed(t, b[:100], toXZ(xz.WriterConfig{})), make([]byte, 8), packed(t, b[100:], toXZ(xz.WriterConfig{})), make([]byte, 4))
		}},
		{"xz blocks and CRC-32", half(toXZ(xz.WriterConfig{BlockSize: 5000, CheckSum: xz.CRC32}))},
		{"xz blocks and SHA-256", half(toXZ(xz.WriterConfig{BlockSize: 70000, CheckSum: xz.SHA256}))},
		{"xz without checksum", half(toXZ(xz.WriterConfig{NoCheckSum: true}))},
		{"xz streams of growing window", func(t *testing.T, b []byte) []byte {
			return concat(packed(t, b[:100], toXZ(xz.WriterConfig{DictCap: 1 << 12})), packed(t, b[100:], toXZ(xz.WriterConfig{DictCap: 1 << 20})))
		}},
		{"gzip in gzip", func(t *testing.T, b []byte) []byte { return packed(t, packed(t, b, toGzip), toGzip) }},
		{"xz in zstd", func(t *testing.T, b []byte) []byte {
			return packed(t, packed(t, b, toXZ(xz.WriterConfig{})), toZstd)
		}},
	} {
		for _, format := range formats() {
			for _, packets := range [][]Packet{small, large} {
				file := written(t, WriterOptions{Format: format}, packets...)
				want, errs := readAll(t, file)
				if errs != nil {
					t.Fatal(errs)
				}
				got, errs := readAll(t, c.pack(t, file))
				if list(got) != list(want) || errs != nil {
					t.Errorf("%s, format %d: got %d packets of %d, errors %v", c.name, format, len(got), len(want), errs)
				}
			}
		}
	}
}

// TestManyEmptyMembers: a reader that goes one call deeper for each member of a
// gzip file has no stack for a few hundred megabytes of them, which ends the
// program.
func TestManyEmptyMembers(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20))
	file := written(t, WriterOptions{}, sample(3)...)
	in := concat(packed(t, file[:100], toGzip), bytes.Repeat(packed(t, nil, toGzip), 50_000), packed(t, file[100:], toGzip))
	if got, errs := readAll(t, in); len(got) != 3 || len(errs) > 0 {
		t.Errorf("%d packets, errors %v", len(got), errs)
	}
}

// TestSkippableFrames: what is skipped may be cut, or have nothing of use
// behind it.
func TestSkippableFrames(t *testing.T) {
	const frame = "\x50\x2a\x4d\x18\x04\x00\x00\x00size"
	for in, words := range map[string]string{
		frame[:6]:                          "unexpected EOF",
		frame[:10]:                         "unexpected EOF",
		frame + frame[:9]:                  "unexpected EOF",
		frame + "\xff\xff\xff\xff":         "decompressing zstd or lz4: what follows a skippable frame is neither",
		"\x50\x2a\x4d\x18\xff\xff\xff\xff": "unexpected EOF",
	} {
		if got, errs := readAll(t, []byte(in)); len(got) > 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), words) {
			t.Errorf("%q: %d packets, errors %v, want %s", in, len(got), errs, words)
		}
	}
	b := concat([]byte(frame), packed(t, written(t, WriterOptions{}, noise(200, 1500)...), toLZ4))
	if _, errs := readAll(t, b[:len(b)/2]); len(errs) != 1 || !strings.Contains(errs[0].Error(), "decompressing lz4: ") {
		t.Errorf("cut: errors %v", errs)
	}
}

func fromBase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBzip2(t *testing.T) {
	want, _ := readAll(t, written(t, WriterOptions{}, sample(3)...))
	got, errs := readAll(t, fromBase64(t, threeInBzip2))
	if list(got) != list(want) || errs != nil {
		t.Errorf("errors %v\ngot  %swant %s", errs, list(got), list(want))
	}
}

func TestCompressedTooOften(t *testing.T) {
	b := written(t, WriterOptions{}, sample(1)...)
	for range 3 {
		b = packed(t, b, toGzip)
	}
	_, errs := readAll(t, b)
	wantDamage(t, errs, 1, 0, "compressed more than 2 times")
	if !errors.Is(errs[0], ErrFormat) {
		t.Errorf("%v is no ErrFormat", errs[0])
	}
}

// Whatever is cut off or changed: packets that are delivered are those of
// the file, in front of one error.
func TestCompressedCutEverywhere(t *testing.T) {
	file := written(t, WriterOptions{}, sample(5)...)
	want, _ := readAll(t, file)
	for _, c := range []struct {
		name string
		b    []byte
	}{
		{"gzip", packed(t, file, toGzip)},
		{"zstd", packed(t, file, toZstd)},
		{"lz4", packed(t, file, toSmallLZ4)},
		{"xz", packed(t, file, toXZ(xz.WriterConfig{BlockSize: 300, DictCap: 1 << 12}))},
		{"bzip2", fromBase64(t, threeInBzip2)},
	} {
		for n := range len(c.b) {
			got, errs := readAll(t, c.b[:n])
			if len(got) > len(want) || list(got) != list(want[:len(got)]) {
				t.Fatalf("%s cut at %d: packets that are not the file's", c.name, n)
			}
			var fe *FormatError
			if len(errs) != 1 || !errors.As(errs[0], &fe) || fe.Packet != int64(len(got)+1) {
				t.Fatalf("%s cut at %d after %d packets: errors %v, want one", c.name, n, len(got), errs)
			}
		}
	}
}

func TestPacketsBeforeCompressedDamage(t *testing.T) {
	file := written(t, WriterOptions{}, noise(200, 1500)...)
	for name, b := range map[string][]byte{
		"gzip": packed(t, file, toGzip),
		"zstd": packed(t, file, toZstd),
		"lz4": packed(t, file, func(w io.Writer) (io.WriteCloser, error) {
			z := lz4.NewWriter(w)
			return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
		}),
		"xz": packed(t, file, toXZ(xz.WriterConfig{BlockSize: 50000})),
	} {
		got, errs := readAll(t, b[:len(b)*3/4])
		if len(got) < 70 || len(errs) != 1 || !errors.Is(errs[0], io.ErrUnexpectedEOF) || !strings.Contains(errs[0].Error(), "decompressing "+name) {
			t.Errorf("%s: %d packets, errors %v", name, len(got), errs)
		}
	}
}

// What an .xz file holds of a chunk that was cut is read, to the last byte
// that can be told, whether it is packed or stored.
func TestXZCutInAChunk(t *testing.T) {
	const packets = 400
	random := rand.New(rand.NewPCG(1, 2))
	for name, letters := range map[string]int{"packed": 6, "stored": 256} {
		in := noise(packets, 200)
		for _, p := range in {
			for i := range p.Data {
				p.Data[i] = byte(random.IntN(letters))
			}
		}
		file := written(t, WriterOptions{}, in...)
		b := packed(t, file, toXZ(xz.WriterConfig{}))
		for _, percent := range []int{3, 30, 60, 97} {
			got, errs := readAll(t, b[:len(b)*percent/100])
			if least := packets*percent/100 - 4; len(got) < least || len(errs) != 1 || !errors.Is(errs[0], io.ErrUnexpectedEOF) {
				t.Errorf("%s, %d %% of it: %d packets, want %d; errors %v", name, percent, len(got), least, errs)
			}
			for i := range got {
				if !bytes.Equal(got[i].Data, in[i].Data) {
					t.Fatalf("%s, %d %% of it: packet %d of %d differs: %x\n%x", name, percent, i, len(got), got[i].Data, in[i].Data)
				}
			}
		}
	}
}

func TestXZDamage(t *testing.T) {
	file := written(t, WriterOptions{}, sample(3)...)
	good := packed(t, file, toXZ(xz.WriterConfig{CheckSum: xz.CRC32}))
	// header returns good with a change in its block header and a right CRC.
	header := func(offset int, v byte) []byte {
		b := bytes.Clone(good)
		n := (int(b[12]) + 1) * 4
		b[12+offset] = v
		binary.LittleEndian.PutUint32(b[12+n-4:], crc32.ChecksumIEEE(b[12:12+n-4]))
		return b
	}
	change := func(offset int) []byte {
		b := bytes.Clone(good)
		if offset < 0 {
			offset += len(b)
		}
		b[offset] ^= 0x55
		return b
	}
	body := 12 + (int(good[12])+1)*4
	for _, c := range []struct {
		name, words string
		b           []byte
	}{
		{"stream header", "data is corrupt", change(8)},
		{"block header", "data is corrupt", change(14)},
		{"window of 4 GiB", "dictionary of more than 128 MiB", header(4, 40)},
		{"window that cannot be", "options not supported", header(4, 41)},
		{"another filter", "options not supported", header(2, 4)},
		{"two filters", "options not supported", header(1, good[13]|1)},
		{"chunk type", "data is corrupt", func() []byte { b := change(body); b[body] = 0x7f; return b }()},
		{"no dictionary reset", "data is corrupt", func() []byte { b := change(body); b[body] = 0x80; return b }()},
		{"footer", "data is corrupt", change(-1)},
		{"bytes after the end", "format not recognized", concat(good, []byte("garbage!!!!!"))},
		{"padding of three bytes", "data is corrupt", concat(good, make([]byte, 3))},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, errs := readAll(t, c.b)
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), c.words) {
				t.Errorf("%d packets, errors %v, want ...%s...", len(got), errs, c.words)
			}
		})
	}
}

// A flipped byte never goes unnoticed where there is a checksum.
func TestXZChecksum(t *testing.T) {
	file := written(t, WriterOptions{}, noise(3, 100)[1:]...) // stored as they are: the decoder sees nothing wrong
	for _, sum := range []byte{xz.CRC32, xz.CRC64, xz.SHA256} {
		b := packed(t, file, toXZ(xz.WriterConfig{CheckSum: sum}))
		i := bytes.Index(b, file[50:60])
		if i < 0 {
			t.Skip("the writer compressed random bytes")
		}
		b[i+5] ^= 1
		if _, errs := readAll(t, b); len(errs) != 1 || !strings.Contains(errs[0].Error(), "data is corrupt") {
			t.Errorf("check %d: errors %v", sum, errs)
		}
	}
}

func TestZstdWindowIsBounded(t *testing.T) {
	// Frame header with a window of 2 GiB and no content size: RFC 8878
	// section 3.1.1.1.2, exponent 21, mantissa 0.
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00}
	_, errs := readAll(t, b)
	if len(errs) != 1 || !errors.Is(errs[0], zstd.ErrWindowSizeExceeded) {
		t.Errorf("errors %v", errs)
	}
}

// A decoder that panics has found damage.
func TestDecoderPanicIsDamage(t *testing.T) {
	u := &unpacker{codec: &codec{name: "test", open: func(*bufio.Reader) (io.Reader, error) { panic("index out of range") }}}
	for range 2 {
		if n, err := u.Read(make([]byte, 10)); n != 0 || err == nil || !strings.Contains(err.Error(), "decompressing test: ") {
			t.Errorf("%d, %v", n, err)
		}
	}
}
