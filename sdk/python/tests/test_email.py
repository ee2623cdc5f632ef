"""E-mail through aiosmtpd, and the commands of docs/email.md as they stand there."""

from __future__ import annotations

import datetime
import email
import email.policy
import json
import os
import queue
import re
import socket
import ssl
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.program import ENVIRONMENT, PROGRAM, ROOT, line_with, start, start_server, stop

from unitpay import UnitPay

PATIENCE = 60
GUIDE = ROOT / "docs/email.md"
PASSWORD = os.urandom(16).hex()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def certificate(folder: Path) -> Tuple[Path, ssl.SSLContext]:
    """An authority, and a server's context with a certificate of it for `localhost`."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def issue(name: str, key: Any, issuer: str, by: Any, authority: bool) -> x509.Certificate:
        subject, issuer_name = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer)
        )
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(by, hashes.SHA256())
        )

    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = issue("authority.example", authority_key, "authority.example", authority_key, True)
    leaf = issue("localhost", key, "authority.example", authority_key, False)
    pem = serialization.Encoding.PEM
    roots, chain = folder / "roots.pem", folder / "chain.pem"
    roots.write_bytes(authority.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + leaf.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return roots, context


class Mailbox:
    """Keeps what the server accepts."""

    def __init__(self) -> None:
        self.mails: queue.Queue[Tuple[Any, EmailMessage]] = queue.Queue()
        self.logins: List[bytes] = []

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.put((session, message))
        return "250 accepted"

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        assert mechanism in ("PLAIN", "LOGIN")
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == PASSWORD.encode())


def bill_ada(unitpay: UnitPay, locale: str) -> None:
    customer = {"name": "Ada Löwe", "email": "ada@example.com", "locale": locale}
    made = unitpay.customers.create({**customer, "collectionMethod": "send_invoice"})
    items = [{"description": "Setup", "unitAmount": 5000}]
    invoice = {"customerId": made["id"], "currency": "EUR", "items": items}
    unitpay.invoices.create(invoice)


# It does not know that its connection is TLS from the first byte.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "smtps"])
def test_aiosmtpd_takes_an_invoice_over_tls_after_a_login(tmp_path: Path, implicit: bool) -> None:
    roots, context = certificate(tmp_path)
    mailbox, port = Mailbox(), free_port()
    security: Dict[str, Any] = (
        {"ssl_context": context, "auth_require_tls": False}
        if implicit
        else {"tls_context": context, "require_starttls": True}
    )
    smtp = Controller(
        mailbox,
        hostname="localhost",
        port=port,
        authenticator=mailbox.authenticate,
        auth_required=True,
        **security,
    )
    smtp.start()
    server = start_server(
        {
            "UNITPAY_EMAIL_SERVER": f"{'smtps' if implicit else 'smtp'}://localhost:{port}",
            "UNITPAY_EMAIL_STARTTLS": "required",
            "UNITPAY_EMAIL_ROOT_CERTIFICATES": str(roots),
            "UNITPAY_EMAIL_USER": "unitpay",
            "UNITPAY_EMAIL_PASSWORD": PASSWORD,
            "UNITPAY_EMAIL_SENDER": "billing@shop.example",
            "UNITPAY_EMAIL_SANDBOX": "true",
        }
    )
    try:
        with UnitPay(**server.options()) as unitpay:
            unitpay.put_branding({"name": "Söhne & Co", "supportEmail": "help@shop.example"})
            bill_ada(unitpay, "de")
            session, mail = mailbox.mails.get(timeout=PATIENCE)
            assert session.authenticated
            assert implicit or session.ssl is not None
            assert mailbox.logins == [b"unitpay"]
            assert mail["from"] == "Söhne & Co <billing@shop.example>"
            assert mail["to"] == "Ada Löwe <ada@example.com>"
            assert mail["reply-to"] == "help@shop.example"
            assert mail["subject"] == "Rechnung INV-000001 von Söhne & Co"
            text, html = mail.get_body(("plain",)), mail.get_body(("html",))
            assert text is not None
            assert "Offener Betrag: 50,00\u00a0€" in text.get_content()
            assert html is not None
            assert "Söhne &amp; Co" in html.get_content()
            [file] = mail.iter_attachments()
            assert file.get_filename() == "INV-000001.pdf"
            assert file.get_content().startswith(b"%PDF-")
            [listed] = unitpay.emails.list().to_list()
            assert mail["message-id"] == f"<{listed['id']}@shop.example>"
            unitpay.emails.resend(listed["id"])
            _, again = mailbox.mails.get(timeout=PATIENCE)
            assert again["message-id"] != mail["message-id"]
    finally:
        server.stop()
        smtp.stop()


def commands(step: int) -> str:
    """The shell commands of a step of the guide."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    text: str = blocks[step - 1]
    return text


def test_guide_shows_an_invoice_in_ten_minutes(tmp_path: Path) -> None:
    smtp_port, port, data = free_port(), free_port(), str(tmp_path / "data")

    def adapted(step: int) -> str:
        text = commands(step).replace("2525", str(smtp_port)).replace("4000", str(port))
        text = text.replace("unitpay serve", f"exec unitpay serve --listen 127.0.0.1:{port}")
        return f"set -e\n{text}"

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/unitpay").symlink_to(PROGRAM)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    variables = {**ENVIRONMENT, "PATH": path, "UNITPAY_DATA_DIR": data}

    def run(script: str, **more: str) -> List[str]:
        done = subprocess.run(
            ["bash", "-c", script], env={**variables, **more}, stdout=subprocess.PIPE, text=True
        )
        assert done.returncode == 0
        return done.stdout.splitlines()

    [install, listen] = commands(1).splitlines()
    assert install == "python3 -m pip install aiosmtpd"
    listen = listen.replace("2525", str(smtp_port)).replace("python3", f"exec {sys.executable} -u")
    smtp = start(["sh", "-c", listen], {}, out="stdout")
    server = start(["bash", "-c", adapted(2)], variables)
    assert smtp.stdout is not None
    assert server.stderr is not None
    try:
        line_with(server.stderr, r"listening on (http://127\.0\.0\.1:\d+)")
        key = run(adapted(3) + 'echo; echo "$UNITPAY_API_KEY"')[-1]
        printed = []
        for line in smtp.stdout:
            printed.append(line)
            if 'filename="INV-000001.pdf"' in line:
                break
        assert any(line.startswith("Subject: Invoice INV-000001 from") for line in printed)
        base_url = f"http://127.0.0.1:{port}/v1"
        [listed] = run(adapted(4), UNITPAY_API_KEY=key, UNITPAY_BASE_URL=base_url)
        [sent] = json.loads(listed)["data"]
        assert (sent["kind"], sent["to"]) == ("invoice", "ada@example.com")
    finally:
        stop(server)
        smtp.terminate()
        smtp.wait()
        smtp.stdout.close()
