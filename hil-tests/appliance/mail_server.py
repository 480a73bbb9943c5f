"""A real mail server for tests: takes mail from one user over TLS and prints each message as JSON.

Usage: mail_server.py CERTIFICATE KEY PASSWORD tls|starttls|plain

The first line printed is the port on 127.0.0.1; it ends with its standard input.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

certificate, key, password, security = sys.argv[1:5]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


class Printer:
    async def handle_DATA(self, server, session, envelope):
        message = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "is_tls": session.ssl is not None or security == "tls",
            "is_authenticated": session.authenticated,
            "text": envelope.content.decode("utf-8"),
        }
        print(json.dumps(message), flush=True)
        return "250 taken"


def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"fossil" and data.password == password.encode())


options = {"authenticator": check, "auth_required": security != "plain"}
if security == "tls":
    options.update(auth_require_tls=False)
elif security == "starttls":
    options.update(tls_context=context, require_starttls=True)


async def main():
    loop = asyncio.get_running_loop()
    implicit = context if security == "tls" else None
    server = await loop.create_server(
        lambda: SMTP(Printer(), hostname="mail.test", loop=loop, **options),
        host="127.0.0.1",
        port=0,
        ssl=implicit,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
