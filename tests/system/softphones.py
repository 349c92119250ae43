"""Real softphones without a terminal: who they are and what they saw.

Each watches a friend or publishes for itself; commands come through a pipe,
at fixed times, because none of them tells when it is ready.
"""

import os
import re
import subprocess

BARESIP = """poll_method epoll
sip_listen 127.0.0.1:{port}
sip_trans_def udp
net_interface 127.0.0.1
audio_player aufile,/dev/null
audio_source ausine,440
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module_tmp account.so
module_app contact.so
module_app presence.so
module_app menu.so
"""

LINPHONE = """[sip]
sip_port={port}
sip_tcp_port=-2
sip_tls_port=-2
default_proxy=0
use_ipv6=0
guess_hostname=0
contact="{user}" <sip:{user}@127.0.0.1:{port}>
[app]
auto_download_incoming_files=0
[proxy_0]
reg_proxy=<sip:{server};transport=udp>
reg_identity=sip:{user}@{server}
reg_expires=3600
reg_sendregister=1
publish={publish}
publish_expires=600
"""

TWINKLE = """user_name={user}
user_domain={server}
user_display={user}
registrar={server}
register_at_startup=no
outbound_proxy={server}
pres_subscription_time=600
pres_publication_time=600
pres_publish_startup={publish}
sip_transport=udp
"""


class Softphone:
    def __init__(self, folder, server, user, friend, port, watches):
        self.folder, self.server = str(folder), server
        self.user, self.friend, self.port = user, friend, port
        self.watches = watches
        os.makedirs(self.folder, exist_ok=True)
        self.write_files()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def read(self, *names):
        text = ""
        for name in names:
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    text += f.read()
        return re.sub(r"\x1b\[[0-9;]*m?", "", text)

    def start(self, steps):
        """steps: (seconds before it, verb)."""
        script = "; ".join(f"sleep {t}; echo '{self.verbs[v]}'" for t, v in steps)
        self.popen = subprocess.Popen(
            ["bash", "-c", f"({script}; sleep 2) | timeout 40 {self.command()}"
             f" > {self.folder}/out 2>&1"], env=dict(os.environ, HOME=self.folder))
        return self

    def wait(self):
        self.popen.wait(60)


class Baresip(Softphone):
    verbs = {"online": "/presence_online", "offline": "/presence_offline",
             "list": "/contacts", "quit": "/quit"}

    def write_files(self):
        self.write("config", BARESIP.format(port=self.port))
        self.write("accounts", f"<sip:{self.user}@{self.server};transport=udp>"
                   ";auth_pass=none;regint=0" + ("" if self.watches else ";pubint=600") + "\n")
        self.write("contacts", f'"{self.friend}" <sip:{self.friend}@{self.server}>;presence=p2p\n'
                   if self.watches else "\n")

    def command(self):
        return f"baresip -f {self.folder} -s"

    def saw(self):
        return [a or b for a, b in re.findall(
            r"changed status from \w+ to (\w+)|^> +(\w+) ", self.read("out"), re.M)]


class Linphone(Softphone):
    """Publishes "open" once it is registered; no command changes that."""

    verbs = {"online": "status register", "offline": "status register",
             "list": "friend list", "quit": "quit"}

    def write_files(self):
        for name in (".local/share/linphone", ".config/linphone"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        text = LINPHONE.format(port=self.port, user=self.user, server=self.server,
                               publish=0 if self.watches else 1)
        if self.watches:
            text += (f'[friend_0]\nurl="{self.friend}" <sip:{self.friend}@{self.server}>\n'
                     "pol=accept\nsubscribe=1\n")
        self.write("linphonerc", text)

    def command(self):
        return f"stdbuf -oL linphonec -c {self.folder}/linphonerc -d 6 -l {self.folder}/log"

    def saw(self):
        return re.findall(r'Friend ".*?" <.*?> is (\w[\w ]*)', self.read("out"))


class Twinkle(Softphone):
    """Says nothing on its console: its log has every NOTIFY."""

    verbs = {"online": "presence -b online", "offline": "presence -b offline",
             "list": "user", "quit": "quit"}

    def write_files(self):
        self.write(".twinkle/twinkle.cfg", TWINKLE.format(
            user=self.user, server=self.server, publish="no" if self.watches else "yes"))
        self.write(".twinkle/twinkle.sys",
                   f"sip_port={self.port}\nsip_udp_port={self.port}\n"
                   f"rtp_port={self.port + 20}\nnic_ip=127.0.0.1\nlog_max_size=10\n"
                   "log_show_sip=yes\n")
        self.write(".twinkle/twinkle.bud", f"{self.friend}|sip:{self.friend}@{self.server}|y\n"
                   if self.watches else "")

    def command(self):
        return "stdbuf -oL twinkle-console"

    def saw(self):
        return re.findall(r"\nNOTIFY sip:.*?<basic>(\w+)</basic>",
                          self.read(".twinkle/twinkle.log", ".twinkle/twinkle.log.old"),
                          re.S)


SOFTPHONES = {"baresip": Baresip, "linphone": Linphone, "twinkle": Twinkle}
