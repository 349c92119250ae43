/* tests/core/test_xml.c - what core/xml.c reads, and what it refuses. */
#include "core/xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"

#include "core/banned.h"

static const char pidf[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\"\n"
	"  xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"\n"
	"  entity=\"sip:200@pbx.example\">\n"
	"  <tuple id=\"a1\" rpid:id=\"other\">\n"
	"    <status><basic> open </basic></status>\n"
	"    <note>in a <![CDATA[<meeting>]]> &amp; late</note>\n"
	"  </tuple>\n"
	"  <rpid:person><rpid:on-the-phone/></rpid:person>\n"
	"</presence>\n";

static struct lf_xml *parse(const char *text)
{
	struct lf_xml *xml = NULL;

	assert_int_equal(0, lf_xml_parse(&xml, text, strlen(text)));
	assert_non_null(xml);
	return xml;
}

static int refuse(const char *text, size_t len)
{
	struct lf_xml *xml = NULL;
	int err = lf_xml_parse(&xml, text, len);

	assert_null(xml);
	return err;
}

static void xml_reads_a_presence_document(void **state)
{
	struct lf_xml *xml = parse(pidf);
	const struct lf_xml_node *root = lf_xml_root(xml), *tuple, *person;
	char text[64];

	assert_true(lf_xml_is(root, "presence"));
	assert_string_equal("urn:ietf:params:xml:ns:pidf", lf_xml_ns(root));
	assert_string_equal("sip:200@pbx.example", lf_xml_attr(root, "entity"));
	tuple = lf_xml_first(root);
	assert_string_equal("tuple", lf_xml_name(tuple));
	assert_string_equal("a1", lf_xml_attr(tuple, "id"));
	assert_null(lf_xml_attr(tuple, "missing"));
	assert_string_equal(
		"open", lf_xml_text(lf_xml_child(lf_xml_child(tuple, "status"),
						 "basic"),
				    text, sizeof(text)));
	assert_string_equal(
		"in a <meeting> & late",
		lf_xml_text(lf_xml_child(tuple, "note"), text, sizeof(text)));
	person = lf_xml_next(tuple);
	assert_string_equal("urn:ietf:params:xml:ns:pidf:rpid",
			    lf_xml_ns(person));
	assert_non_null(lf_xml_child(person, "on-the-phone"));
	assert_null(lf_xml_next(person));
	lf_xml_free(xml);
}

static void xml_nothing_has_nothing(void **state)
{
	char text[8] = "x";

	assert_null(lf_xml_root(NULL));
	assert_null(lf_xml_first(NULL));
	assert_null(lf_xml_next(NULL));
	assert_null(lf_xml_child(NULL, "a"));
	assert_null(lf_xml_attr(NULL, "a"));
	assert_false(lf_xml_is(NULL, "a"));
	assert_string_equal("", lf_xml_name(NULL));
	assert_string_equal("", lf_xml_ns(NULL));
	assert_string_equal("", lf_xml_text(NULL, text, sizeof(text)));
	lf_xml_free(NULL);
}

static void xml_resolves_the_five_entities_and_numbers(void **state)
{
	struct lf_xml *xml = parse("<a v='&lt;&amp;&#38;&quot;&apos;&gt;"
				   "&#xe9;'>&lt;&amp;amp;&#38;</a>");
	char text[32];

	assert_string_equal("<&&\"'>\xc3\xa9",
			    lf_xml_attr(lf_xml_root(xml), "v"));
	assert_string_equal("<&amp;&",
			    lf_xml_text(lf_xml_root(xml), text, sizeof(text)));
	lf_xml_free(xml);
}

static void xml_refuses_doctypes_and_entities(void **state)
{
	static const char *const bad[] = {
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"
		"<a>&x;</a>",
		"<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]>"
		"<a v='&c;'>&c;</a>",
		"<!DOCTYPE a [<!ENTITY % p SYSTEM \"http://127.0.0.1/\"> %p;]>"
		"<a/>",
		"<?xml version='1.0'?> <!-- > --> <?pi > ?>\n<!DOCTYPE a><a/>",
		/* The error before it must not open the way in. */
		"<!DOCTYPE a\xff [<!ENTITY b \"bb\">]><a>&b;</a>",
		"<!-- \x01 --><!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>",
		"<?xml version='x'?><!DOCTYPE a [<!ENTITY b \"bb\">]><a/>",
		"<!DOCTYPE",
		"<!",
		"<a>&unknown;</a>",
		"<a v='&unknown;'/>",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EPROTO, refuse(bad[i], strlen(bad[i])));
}

static void xml_may_speak_of_doctypes(void **state)
{
	struct lf_xml *xml = parse("<!-- <!DOCTYPE a> --><?pi <!DOCTYPE a> ?>"
				   "<a><![CDATA[<!DOCTYPE a>]]></a>");
	char text[32];

	assert_string_equal("<!DOCTYPE a>",
			    lf_xml_text(lf_xml_root(xml), text, sizeof(text)));
	lf_xml_free(xml);
}

static void xml_refuses_what_is_not_well_formed(void **state)
{
	static const char *const bad[] = {
		"",
		"   ",
		"no markup",
		"<",
		"<a",
		"<a>",
		"<a></b>",
		"<a/><b/>",
		"<a/>rest",
		"<a x='1' x='2'/>",
		"<a>\x01</a>",
		"<a>\xff</a>",
		"<?xml version='1.0'?>",
		"<?xml version='1.0' encoding='UTF-8'",
		"<!-- only this -->",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EPROTO, refuse(bad[i], strlen(bad[i])));
	assert_int_equal(-EPROTO, refuse("<a>\0</a>", 8));
}

static void xml_skips_bytes_before_the_prolog(void **state)
{
	struct lf_xml *xml;

	xml = parse("\r\n\r\n<?xml version=\"1.0\"?><a/>");
	assert_true(lf_xml_is(lf_xml_root(xml), "a"));
	lf_xml_free(xml);
	xml = parse("\xef\xbb\xbf<a/>");
	assert_true(lf_xml_is(lf_xml_root(xml), "a"));
	lf_xml_free(xml);
}

static void xml_reads_latin_1_as_utf_8(void **state)
{
	struct lf_xml *xml = parse("<?xml version='1.0' encoding='ISO-8859-1'?>"
				   "<note v='M\xfcller'>caf\xe9</note>");
	char text[16];

	assert_string_equal("M\xc3\xbcller",
			    lf_xml_attr(lf_xml_root(xml), "v"));
	assert_string_equal("caf\xc3\xa9",
			    lf_xml_text(lf_xml_root(xml), text, sizeof(text)));
	lf_xml_free(xml);
}

static void xml_refuses_encodings_it_does_not_know(void **state)
{
	static const char *const bad[] = {
		"<?xml version='1.0' encoding='ISO-2022-CN-EXT'?><a/>",
		"<?xml version='1.0' encoding='UTF-16'?><a/>",
		"<?xml version='1.0' encoding='UTF-7'?><a/>",
		"<?xml version='1.0' encoding=?><a/>",
		"<?xml version='1.0' encoding='UTF-8?><a/>",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(-EPROTO, refuse(bad[i], strlen(bad[i])));
	assert_int_equal(-EPROTO, refuse("<\0a\0/\0>\0", 8));
}

static void nest(struct lf_buf *buf, unsigned depth)
{
	unsigned i;

	lf_buf_reset(buf);
	for (i = 0; i < depth; i++)
		lf_buf_adds(buf, "<a>");
	for (i = 0; i < depth; i++)
		lf_buf_adds(buf, "</a>");
	assert_int_equal(0, lf_buf_error(buf));
}

static void xml_bounds_the_depth(void **state)
{
	struct lf_buf buf = {0};
	struct lf_xml *xml;

	nest(&buf, LF_XML_MAX_DEPTH);
	xml = parse(lf_buf_str(&buf));
	lf_xml_free(xml);
	nest(&buf, LF_XML_MAX_DEPTH + 1);
	assert_int_equal(-E2BIG, refuse(buf.data, buf.len));
	nest(&buf, 20000);
	assert_int_equal(-E2BIG, refuse(buf.data, buf.len));
	lf_buf_done(&buf);
}

static void xml_bounds_nodes_and_bytes(void **state)
{
	struct lf_buf buf = {0};
	struct lf_xml *xml;
	unsigned i;

	lf_buf_adds(&buf, "<a>");
	for (i = 0; i < LF_XML_MAX_NODES - 1; i++)
		lf_buf_adds(&buf, "<b/>");
	lf_buf_adds(&buf, "</a>");
	xml = parse(lf_buf_str(&buf));
	lf_xml_free(xml);
	buf.len -= 4;
	lf_buf_adds(&buf, "<b/></a>");
	assert_int_equal(-E2BIG, refuse(buf.data, buf.len));

	lf_buf_reset(&buf);
	lf_buf_adds(&buf, "<a/>");
	while (buf.len < LF_XML_MAX_BYTES)
		lf_buf_addc(&buf, ' ');
	xml = parse(lf_buf_str(&buf));
	lf_xml_free(xml);
	lf_buf_addc(&buf, ' ');
	assert_int_equal(-E2BIG, refuse(buf.data, buf.len));
	lf_buf_done(&buf);
}

static void xml_text_is_cut_between_characters(void **state)
{
	struct lf_xml *xml = parse("<a>  caf\xc3\xa9 <b/> au lait </a>");
	char text[16], small[6];

	assert_string_equal("caf\xc3\xa9  au lait",
			    lf_xml_text(lf_xml_root(xml), text, sizeof(text)));
	assert_string_equal("caf\xc3\xa9", lf_xml_text(lf_xml_root(xml), small,
						       sizeof(small)));
	assert_string_equal("caf", lf_xml_text(lf_xml_root(xml), small, 5));
	assert_string_equal("", lf_xml_text(lf_xml_root(xml), small, 1));
	lf_xml_free(xml);
}

static void xml_tolerates_a_prefix_nobody_declared(void **state)
{
	struct lf_xml *xml = parse("<a><dm:b dm:c='1'/></a>");
	const struct lf_xml_node *b = lf_xml_first(lf_xml_root(xml));

	/* Some PBXs forget one; the words alone still say what is meant. */
	assert_string_equal("b", lf_xml_name(b));
	assert_string_equal("", lf_xml_ns(b));
	assert_string_equal("1", lf_xml_attr(b, "c"));
	lf_xml_free(xml);
}

static void xml_attribute_without_prefix_comes_first(void **state)
{
	struct lf_xml *xml = parse("<a xml:id='far' id='near' xml:lang='de'/>");

	assert_string_equal("near", lf_xml_attr(lf_xml_root(xml), "id"));
	assert_string_equal("de", lf_xml_attr(lf_xml_root(xml), "lang"));
	lf_xml_free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_reads_a_presence_document),
		cmocka_unit_test(xml_nothing_has_nothing),
		cmocka_unit_test(xml_resolves_the_five_entities_and_numbers),
		cmocka_unit_test(xml_refuses_doctypes_and_entities),
		cmocka_unit_test(xml_may_speak_of_doctypes),
		cmocka_unit_test(xml_refuses_what_is_not_well_formed),
		cmocka_unit_test(xml_skips_bytes_before_the_prolog),
		cmocka_unit_test(xml_reads_latin_1_as_utf_8),
		cmocka_unit_test(xml_refuses_encodings_it_does_not_know),
		cmocka_unit_test(xml_bounds_the_depth),
		cmocka_unit_test(xml_bounds_nodes_and_bytes),
		cmocka_unit_test(xml_text_is_cut_between_characters),
		cmocka_unit_test(xml_tolerates_a_prefix_nobody_declared),
		cmocka_unit_test(xml_attribute_without_prefix_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
