"""Kamailio 5.6 as presence server: presence, dialog-info, PUBLISH."""

import glob
import os
import subprocess

from lampfield import Process, free_port, wait_for

CONFIG = """
debug=2
log_stderror=yes
children=2
disable_tcp=no
tcp_children=2
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "db_text.so"
loadmodule "presence.so"
loadmodule "presence_xml.so"
loadmodule "presence_dialoginfo.so"
modparam("usrloc", "db_mode", 0)
modparam("presence", "db_url", "text://{db}")
modparam("presence_xml", "db_url", "text://{db}")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "server_address", "sip:127.0.0.1:{port}")
modparam("presence", "send_fast_notify", 1)
modparam("presence_xml", "force_active", 1)
request_route {{
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("REGISTER")) {{ save("location"); exit; }}
    if (is_method("SUBSCRIBE")) {{ t_newtran(); handle_subscribe(); t_release(); exit; }}
    if (is_method("PUBLISH")) {{ t_newtran(); handle_publish(); t_release(); exit; }}
    sl_send_reply("405", "Method Not Allowed");
}}
"""


class Kamailio:
    config = CONFIG

    def __init__(self, folder, port=None):
        self.folder = str(folder)
        self.port = port or free_port()
        self.server = f"127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        db = os.path.join(self.folder, "kamdb")
        os.makedirs(db, exist_ok=True)
        for table in ("version", "active_watchers", "presentity", "watchers", "xcap", "pua"):
            path = f"/usr/share/kamailio/dbtext/kamailio/{table}"
            if os.path.exists(path):
                subprocess.run(["cp", path, db], check=True)
        conf = os.path.join(self.folder, "kamailio.cfg")
        with open(conf, "w") as f:
            f.write(self.config.format(
                port=self.port, db=db, modules=glob.glob("/usr/lib/*/kamailio/modules/")[0]))
        self.process = Process(
            ["/usr/sbin/kamailio", "-DD", "-E", "-f", conf, "-m", "64", "-M", "8", "-Y",
             self.folder, "-P", f"{self.folder}/kamailio.pid"],
            os.path.join(self.folder, "kamailio.log"), start_new_session=True)

        def is_up():
            assert self.process.is_alive(), self.process.text()
            with open("/proc/net/udp") as f:
                return f":{self.port:04X} " in f.read()
        wait_for("kamailio", is_up)
        return self

    def kill(self):
        """All of its processes at once, as a power cut."""
        os.killpg(self.process.pid, 9)
        self.process.popen.wait()
        self.process.file.close()

    def stop(self):
        if self.process and self.process.is_alive():
            self.kill()
