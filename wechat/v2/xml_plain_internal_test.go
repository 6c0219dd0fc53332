package v2

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzReadPlain holds the quick reader to the full one: what it reads at all, it reads alike.
func FuzzReadPlain(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no messages in testdata: %v", err)
	}
	for _, file := range files {
		message, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message)
	}
	for _, message := range []string{
		"<xml></xml>", "<xml>\n</xml>\n", "<xml><a>1</a></xml>", "<xml><a></a></xml>", "<xml><a/></xml>", "<xml>1</xml>",
		"<xml><a><![CDATA[]]></a></xml>", "<xml><a><![CDATA[a]]>b</a></xml>", "<xml><a>]]></a></xml>", "<xml><a>&lt;</a></xml>",
		"<xml><a><![CDATA[\r\n]]></a></xml>", "<xml><a>\t</a></xml>", "<xml><a>1</b></xml>", "<xml><a>1</a></xml><xml></xml>",
		"<xml><a>1</a><a>2</a></xml>", "<xml><xml>1</xml></xml>", "<xml><a:b>1</a:b></xml>", "<xml><a b='1'>1</a></xml>", "<xml><1>1</1></xml>",
		"<xml><a>\ufffe</a></xml>", "<xml><a>\xff</a></xml>", "<xml><a>\ufffd</a></xml>", "<xml><a>\x00</a></xml>", "<xml><a>1</a ></xml>",
		"<?xml version=\"1.0\"?><xml><a>1</a></xml>", "<xml><!-- --><a>1</a></xml>", "<xml><a><b>1</b></a></xml>", "<xml><a>1</a>x</xml>",
	} {
		f.Add([]byte(message))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		quick, ok := readPlain(rootXML, message)
		if !ok {
			return
		}
		full, err := readFully(rootXML, message)
		if err != nil || !maps.Equal(quick, full) {
			t.Errorf("%q: read as %q, and in full as %q, %v", message, quick, full, err)
		}
	})
}

func TestWhatWeChatSendsIsReadQuickly(t *testing.T) {
	t.Parallel()
	message, err := os.ReadFile("testdata/notify.xml")
	if err != nil {
		t.Fatal(err)
	}
	for name, message := range map[string]string{
		"as published": string(message),
		"in one line":  strings.ReplaceAll(string(message), "\n", ""),
	} {
		if _, ok := readPlain(rootXML, []byte(message)); !ok {
			t.Errorf("%s: left to the full reader", name)
		}
	}
}

func BenchmarkReadXML(b *testing.B) {
	message, err := os.ReadFile("testdata/notify.xml")
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func(string, []byte) (map[string]string, error){"quick": readXML, "full": readFully} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := read(rootXML, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
