/*
 * chat/soap.c - the queue service: a contact centre outside tells wait and
 * place of a contact (S209). The guide gives the operation's name and the
 * order of its arguments; they are read by place, whatever they are called.
 */
#include "chat/rest.h"

#include <errno.h>
#include <string.h>

#include "core/listen.h"
#include "core/text.h"
#include "core/xml.h"

#include "core/banned.h"

#define PATH "/AccQueueService/services/QueueServiceWs"
#define BODY_MAX 16384
#define XML "text/xml;charset=UTF-8"
#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"
#define NS "urn:lampfield:AccQueueService"

static const char wsdl[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<definitions name=\"QueueServiceWs\" targetNamespace=\"" NS "\""
	" xmlns=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:t=\"" NS "\""
	" xmlns:s=\"http://schemas.xmlsoap.org/wsdl/soap/\""
	" xmlns:x=\"http://www.w3.org/2001/XMLSchema\">"
	"<message name=\"updateStartingEwtandPIQ\">"
	"<part name=\"contactId\" type=\"x:long\"/>"
	"<part name=\"ewt\" type=\"x:int\"/>"
	"<part name=\"piq\" type=\"x:int\"/></message>"
	"<message name=\"updateStartingEwtandPIQResponse\"/>"
	"<portType name=\"QueueServiceWs\">"
	"<operation name=\"updateStartingEwtandPIQ\">"
	"<input message=\"t:updateStartingEwtandPIQ\"/>"
	"<output message=\"t:updateStartingEwtandPIQResponse\"/>"
	"</operation></portType>"
	"<binding name=\"QueueServiceWs\" type=\"t:QueueServiceWs\">"
	"<s:binding style=\"rpc\""
	" transport=\"http://schemas.xmlsoap.org/soap/http\"/>"
	"<operation name=\"updateStartingEwtandPIQ\">"
	"<s:operation soapAction=\"\"/>"
	"<input><s:body use=\"literal\" namespace=\"" NS "\"/></input>"
	"<output><s:body use=\"literal\" namespace=\"" NS "\"/></output>"
	"</operation></binding>"
	"<service name=\"QueueServiceWs\">"
	"<port name=\"QueueServiceWs\" binding=\"t:QueueServiceWs\">"
	"<s:address location=\"" PATH "\"/></port></service></definitions>\n";

static const char done[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<s:Envelope xmlns:s=\"" SOAP "\"><s:Body>"
	"<t:updateStartingEwtandPIQResponse xmlns:t=\"" NS "\"/>"
	"</s:Body></s:Envelope>\n";

static void answer_fault(struct lf_web_call *call, const char *who,
			 const char *text)
{
	struct lf_buf body = {0};

	lf_buf_adds(&body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			   "<s:Envelope xmlns:s=\"" SOAP "\"><s:Body><s:Fault>"
			   "<faultcode>s:");
	lf_buf_adds(&body, who);
	lf_buf_adds(&body, "</faultcode><faultstring>");
	lf_buf_adds(&body, text);
	lf_buf_adds(&body, "</faultstring></s:Fault></s:Body></s:Envelope>\n");
	lf_web_answer(call, 500, XML, lf_buf_str(&body), body.len);
	lf_buf_done(&body);
}

/* Contact, wait in seconds, place: in that order. */
static int read_numbers(const struct lf_xml *xml, int64_t numbers[3])
{
	const struct lf_xml_node *operation =
		lf_xml_child(lf_xml_child(lf_xml_root(xml), "Body"),
			     "updateStartingEwtandPIQ");
	const struct lf_xml_node *node = lf_xml_first(operation);
	char text[32];
	size_t i;

	if (!lf_xml_is(lf_xml_root(xml), "Envelope") || !operation)
		return -EPROTO;
	for (i = 0; i < 3; i++, node = lf_xml_next(node))
		if (!node || lf_text_int(&numbers[i],
					 lf_xml_text(node, text, sizeof(text)),
					 0, i ? 86400000 : LF_CHAT_GUID_MAX))
			return -EPROTO;
	return numbers[2] <= 1000000 ? 0 : -EPROTO;
}

/* Only where the administrator said that the values come from outside. */
static int update(struct lf_chat *chat, const int64_t numbers[3])
{
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, numbers[0]);
	const struct lf_chat_skillset *s;
	int err;

	if (!c)
		return -ENOENT;
	s = lf_chat_config_skillset(chat->engine->config, c->skillset);
	if (!s || !s->has_external_ewt)
		return -EPERM;
	lf_chat_now(chat);
	err = lf_chat_set_ewt(chat->engine, numbers[0], numbers[1], numbers[2]);
	lf_chat_flush(chat);
	return err;
}

static void on_post(struct lf_web_call *call, void *arg)
{
	struct lf_chat *chat = arg;
	size_t len;
	const char *data = lf_web_body(call, &len);
	struct lf_xml *xml = NULL;
	int64_t numbers[3];
	int err;

	err = data ? lf_xml_parse(&xml, data, len) : -EPROTO;
	if (!err)
		err = read_numbers(xml, numbers);
	lf_xml_free(xml);
	if (err) {
		answer_fault(call, "Client", "Invalid message");
		return;
	}
	err = chat->is_loaded && !chat->is_closing ? update(chat, numbers)
						   : -EAGAIN;
	if (err == -EAGAIN)
		answer_fault(call, "Server", "Internal Server Error");
	else if (err)
		answer_fault(call, "Client",
			     err == -EPERM ? "Not permitted"
					   : "Unknown contact");
	else
		lf_web_answer(call, 200, XML, done, sizeof(done) - 1);
}

static void on_get(struct lf_web_call *call, void *arg)
{
	lf_web_answer(call, 200, XML, wsdl, sizeof(wsdl) - 1);
}

int lf_chat_soap_open(struct lf_chat *chat)
{
	int err = lf_web_route(chat->parts.web, "POST", PATH, BODY_MAX, on_post,
			       chat);

	if (!err)
		err = lf_web_route(chat->parts.web, "GET", PATH, 0, on_get,
				   chat);
	return err;
}
