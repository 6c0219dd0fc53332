package v2_test

import (
	"fmt"
	"strings"
	"testing"

	"settled/wechat/v2"
)

func TestAMessageIsReadInWhateverWayXMLSpellsIt(t *testing.T) {
	t.Parallel()
	published := read(t, "notify.xml")
	for name, message := range map[string]string{
		"as published":                   published,
		"escaped, in one line":           signed(t, "notify.xml", nil),
		"behind a declaration":           `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + published,
		"behind a byte order mark":       "\ufeff" + published,
		"with Windows' line ends":        strings.ReplaceAll(published, "\n", "\r\n"),
		"with space around it":           "\n " + published + "\n\n",
		"with CDATA in two pieces":       strings.Replace(published, "oUpF8", "oUp]]><![CDATA[F8", 1),
		"with numbers for characters":    strings.Replace(published, "<![CDATA[CFT]]>", "&#67;&#x46;T", 1),
		"with an element closed at once": strings.Replace(published, "</xml>", "<device_info/></xml>", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := demo(v2.MD5).ReadNotify([]byte(message)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAMessageThatIsMoreThanFlatXMLIsRefused(t *testing.T) {
	t.Parallel()
	published := read(t, "notify.xml")
	inside := func(more string) string { return strings.Replace(published, "</xml>", more+"</xml>", 1) }
	many := func(n int) string {
		var elements strings.Builder
		for i := range n {
			fmt.Fprintf(&elements, "<e%d></e%d>", i, i)
		}
		return inside(elements.String())
	}
	if _, err := demo(v2.MD5).ReadNotify([]byte(many(512 - 20))); err != nil {
		t.Errorf("512 elements: %v", err)
	}
	for name, message := range map[string]string{
		"nothing":                        "",
		"space":                          " \n",
		"a declaration alone":            `<?xml version="1.0"?>`,
		"no XML":                         "success",
		"HTML":                           "<html>502</html>",
		"JSON":                           `{"code":"SUCCESS"}`,
		"half of it":                     published[:len(published)/2],
		"another root":                   strings.NewReplacer("<xml>", "<root>", "</xml>", "</root>").Replace(published),
		"a root in capitals":             strings.NewReplacer("<xml>", "<XML>", "</xml>", "</XML>").Replace(published),
		"another end than beginning":     strings.Replace(published, "</xml>", "</root>", 1),
		"elements one in another":        inside("<a><b>1</b></a>"),
		"a root in a root":               "<xml>" + published + "</xml>",
		"a hundred thousand roots":       strings.Repeat("<xml>", 50_000),
		"an attribute":                   inside(`<a b="c">1</a>`),
		"an attribute of the root":       strings.Replace(published, "<xml>", `<xml version="1">`, 1),
		"a namespace":                    inside(`<a:total_fee>1</a:total_fee>`),
		"an element twice":               inside("<total_fee>1</total_fee>"),
		"an empty element twice":         inside("<a></a><a></a>"),
		"513 elements":                   many(513 - 20),
		"a DTD":                          "<!DOCTYPE xml>" + published,
		"an entity of its own":           `<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + inside("<a>&a;</a>"),
		"an entity that nobody declares": inside("<a>&nbsp;</a>"),
		"a comment":                      inside("<!-- paid -->"),
		"a processing instruction":       inside("<?php echo 1 ?>"),
		"a declaration inside":           inside(`<?xml version="1.0"?>`),
		"a declaration behind":           published + `<?xml version="1.0"?>`,
		"two declarations":               `<?xml version="1.0"?><?xml version="1.0"?>` + published,
		"a declaration of GBK":           `<?xml version="1.0" encoding="GBK"?>` + published,
		"text between the elements":      inside("paid"),
		"text before":                    "paid" + published,
		"text behind":                    published + "paid",
		"another message behind":         published + published,
		"U+0000":                         inside("<a>\x00</a>"),
		"U+0000 as a number":             inside("<a>&#0;</a>"),
		"U+0000 at the end":              published + "\x00",
		"a control character":            inside("<a>\x1b</a>"),
		"what is not UTF-8":              inside("<a>\xff</a>"),
		"what is not UTF-8, in CDATA":    inside("<a><![CDATA[\xc3\x28]]></a>"),
		"CDATA without an end":           inside("<a><![CDATA[1</a>"),
		"an end of CDATA alone":          inside("<a>]]></a>"),
		"more than anyone would say":     inside("<a>" + strings.Repeat("x", 256<<10) + "</a>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.MD5).ReadNotify([]byte(message))
			wantError(t, err, v2.ErrUnreadable)
			if err != nil && len(err.Error()) > 400 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if got != (v2.Trade{}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
