package message
import ("testing";"os";"path/filepath";"fmt")
func TestTry(t *testing.T){
 fs,_:=filepath.Glob(os.Getenv("TRYDIR")+"/*.eml")
 for _,f:=range fs { r,_:=os.Open(f); m,_:=Parse(r,Limits{}); r.Close()
 fmt.Printf("%s\n  %q\n  %q -> %q\n  %v %q %q\n  %s parts=%d %v\n  faults %q\n",filepath.Base(f),m.Subject,m.From,m.To,m.Date,m.DateText,m.MessageID,m.ContentType,m.Parts,m.Attachments,m.Faults)}
}
