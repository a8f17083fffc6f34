"""A small OpenID Connect provider over real HTTP: discovery, keys, codes with PKCE, signed tokens, user info. It can be told to lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "countersign", "between us"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """`person` is who signs in next: claims by name. `lies` replaces claims of the signed token; None leaves one out."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.lies: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[dict[str, str]] = []
        handler = type("Handler", (_Handler,), {"provider": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def code(self, query: dict[str, str]) -> str:
        """The person agreed: a code for what was asked."""
        self.asked.append(query)
        code = secrets.token_hex(8)
        self.codes[code] = query
        return code

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or verifier != asked.get("code_challenge") or form.get("client_secret") != SECRET:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        dated = {"auth_time": now} if "max_age" in asked else {}  # as the specification has it
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, **dated, **self.person, **self.lies}
        claims = {name: value for name, value in claims.items() if value is not None}
        return 200, {
            "access_token": "t",
            "token_type": "Bearer",
            "id_token": jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "k"}),
        }


class _Handler(BaseHTTPRequestHandler):
    provider: IdentityProvider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        provider = self.provider
        if url.path == "/.well-known/openid-configuration":
            names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            ends = {f"{name}_endpoint": f"{provider.url}/{path}" for name, path in names.items()}
            methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
            return self._say(200, {"issuer": provider.url, "jwks_uri": f"{provider.url}/keys", **ends, **methods})
        if url.path == "/userinfo":
            return self._say(200, provider.person)
        if url.path == "/keys":
            return self._say(200, {"keys": [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k"}]})
        return self._say(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._say(*self.provider.token({k: v[0] for k, v in parse_qs(body).items()}))

    def _say(self, status: int, data: dict[str, Any]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: tests read what was asked."""
