/* admin/conf.c - every section and key of lampfield.conf(5). */
#include "admin/server.h"

#include "core/banned.h"

#define STATE "/var/lib/lampfield"

const struct lf_conf_key lf_server_conf[] = {
	{"server", "node", LF_CONF_TEXT, NULL, 0, 0,
	 "Name of this machine towards consoles; the host name by default"},
	{"server", "log-level", LF_CONF_TEXT, "notice", 0, 0,
	 "error, warn, notice, info or debug"},
	{"server", "control", LF_CONF_TEXT, "/run/lampfield/control", 0, 0,
	 "Unix socket for lampctl"},
	{"store", "path", LF_CONF_TEXT, STATE "/lampfield.db", 0, 0,
	 "The database; its folder must be writable"},
	{"store", "key-file", LF_CONF_TEXT, STATE "/vault.key", 0, 0,
	 "Key that seals stored passwords; made on the first start"},
	{"sip", "address", LF_CONF_TEXT, "0.0.0.0", 0, 0,
	 "Address to listen on for SIP"},
	{"sip", "port", LF_CONF_INT, "5064", 0, 65535,
	 "UDP and TCP port for SIP; 0: any free one"},
	{"sip", "tls-port", LF_CONF_INT, "5065", 0, 65535,
	 "TLS port for SIP, with tls-folder"},
	{"sip", "tls-folder", LF_CONF_TEXT, NULL, 0, 0,
	 "Folder with agent.pem and cafile.pem; unset: no SIP over TLS"},
	{"sip", "public-address", LF_CONF_TEXT, NULL, 0, 0,
	 "Address that peers reach us at, if it is not the local one"},
	{"sip", "timeout", LF_CONF_INT, "8000", 4000, 64000,
	 "Milliseconds until a request counts as unanswered"},
	{"sip", "express-lane", LF_CONF_BOOL, "yes", 0, 0,
	 "NOTIFYs to UDP watchers leave from a port of their own, fast; no: "
	 "all "
	 "from the SIP port"},
	{"sip", "trace-size", LF_CONF_INT, "16777216", 0, 1 << 30,
	 "Bytes kept of the last SIP messages for lampctl trace"},
	{"console", "plain", LF_CONF_TEXT, "0.0.0.0:51234", 0, 0,
	 "Where consoles connect without TLS; off: nowhere"},
	{"console", "tls", LF_CONF_TEXT, "0.0.0.0:51235", 0, 0,
	 "Where consoles connect with TLS; off: nowhere"},
	{"web", "plain", LF_CONF_TEXT, "0.0.0.0:8081", 0, 0,
	 "HTTP and WebSocket without TLS; off: nowhere"},
	{"web", "tls", LF_CONF_TEXT, "0.0.0.0:8445", 0, 0,
	 "HTTP and WebSocket with TLS; off: nowhere"},
	{"web", "origins", LF_CONF_LIST, NULL, 0, 0,
	 "Web origins that may open a WebSocket; unset: our own host only"},
	{"chat", "schemas", LF_CONF_TEXT, PKGDATADIR "/schemas", 0, 0,
	 "Where the schemas of the web chat protocol were installed"},
	{"chat", "spool", LF_CONF_TEXT, NULL, 0, 0,
	 "Folder that transcripts to be mailed are written to; unset: none"},
	{"tls", "certificate", LF_CONF_TEXT, STATE "/certificate.pem", 0, 0,
	 "Certificate chain, PEM; a self-signed one is made if it is missing"},
	{"tls", "key", LF_CONF_TEXT, STATE "/certificate.key", 0, 0,
	 "Private key, PEM"},
	{NULL},
};
