"""Kamailio's user agent for presence publishes to us and subscribes here."""

import shutil
import subprocess

import pytest
from kamailio import Kamailio
from lampfield import wait_for
from phone import Phone

CONFIG = """
debug=2
log_stderror=yes
children=1
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "ctl.so"
loadmodule "db_text.so"
loadmodule "pua.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "pua_usrloc.so"
loadmodule "pua_rpc.so"
modparam("usrloc", "db_mode", 0)
modparam("pua_usrloc", "default_domain", "127.0.0.1")
modparam("ctl", "binrpc", "unix:{db}/ctl")
modparam("pua", "db_url", "text://{db}")
modparam("pua", "db_mode", 0)
modparam("pua", "outbound_proxy", "sip:127.0.0.1:SERVER")
request_route {{
    if (is_method("NOTIFY")) {{
        xlog("L_ERR", "got $hdr(Subscription-State) $rb\\n");
        sl_send_reply("200", "OK");
        exit;
    }}
    if (is_method("REGISTER")) {{ pua_set_publish(); save("location"); exit; }}
    sl_send_reply("405", "Method Not Allowed");
}}
"""


class Pua(Kamailio):
    def __init__(self, folder, server):
        super().__init__(folder)
        self.config = CONFIG.replace("SERVER", str(server.sip_port))

    def rpc(self, *words):
        done = subprocess.run(["kamcmd", "-s", f"unix:{self.folder}/kamdb/ctl", *words],
                              capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and "error" not in done.stdout + done.stderr, done


@pytest.mark.skipif(not shutil.which("kamcmd"), reason="kamailio is needed")
def test_kamailio_publishes_and_subscribes(server, cleanup, tmp_path):
    server.ctl("user", "add", "username=anna", "last_name=A", "sip_uri=anna@127.0.0.1")
    server.ctl("set", "presence-server.trusted=127.0.0.1")
    pua = cleanup(Pua(tmp_path, server).start())
    phone = Phone(pua.port, "anna")

    def register(cseq, expires):
        phone.request("REGISTER", "sip:anna@127.0.0.1", "reg", cseq, [f"Expires: {expires}"])
        assert phone.wait_response().status == 200

    def says():
        return [p["says"] for p in server.ctl("publications")]

    pua.rpc("pua.subscribe", f"sip:anna@127.0.0.1:{server.sip_port}", f"sip:kamailio@{pua.server}", "presence",
            "600")
    wait_for("the subscription", lambda: server.ctl("watchers"))
    register(1, 600)
    wait_for("the publication", lambda: says() == ["available"])
    wait_for("a NOTIFY", lambda: "<basic>open</basic>" in pua.process.text())
    register(2, 0)
    wait_for("its end", lambda: says() in ([], ["offline"]))
    phone.close()
