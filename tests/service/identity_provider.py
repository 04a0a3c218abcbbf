"""A small identity provider for tests, as a process of its own: OpenID Connect with real keys and signed tokens.

`python identity_provider.py PORT` serves discovery, keys, authorisation and tokens. What `/authorize` is told
beside the protocol's parameters (`test_…`) says how the token shall be wrong.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID, CLIENT_SECRET = "guantong", "a secret of this client"
KEYS = {
    "rsa-1": ("RS256", rsa.generate_private_key(65537, 2048)),
    "ec-1": ("ES256", ec.generate_private_key(ec.SECP256R1())),
}
STRANGER = rsa.generate_private_key(65537, 2048)
CODES: dict[str, dict[str, str]] = {}


def public_keys():
    found = []
    for kid, (algorithm, key) in KEYS.items():
        kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.ECAlgorithm
        found.append({**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": algorithm})
    return {"keys": found}


def id_token(issuer, asked):
    now = int(time.time())
    claims = {
        "iss": asked.get("test_iss", issuer),
        "aud": asked.get("test_aud", CLIENT_ID),
        "sub": asked["test_sub"],
        "nonce": asked.get("test_nonce", asked["nonce"]),
        "iat": now,
        "exp": now + int(asked.get("test_exp", 300)),
        "amr": asked.get("test_amr", "pwd").split(),
    }
    kid = asked.get("test_kid", "rsa-1")
    if kid == "none":
        return jwt.encode(claims, None, algorithm="none", headers={"kid": "rsa-1"})
    if kid == "shared":
        return jwt.encode(claims, CLIENT_SECRET * 2, algorithm="HS256", headers={"kid": "rsa-1"})
    if kid == "stranger":
        return jwt.encode(claims, STRANGER, algorithm="RS256", headers={"kid": "rsa-1"})
    algorithm, key = KEYS[kid]
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


class Provider(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        asked = dict(parse_qsl(parts.query))
        if parts.path == "/.well-known/openid-configuration":
            self.answer(200, {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize",
                              "token_endpoint": f"{issuer}/token", "jwks_uri": f"{issuer}/keys"})  # fmt: skip
        elif parts.path == "/keys":
            self.answer(200, public_keys())
        elif parts.path == "/authorize":
            assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(16)
            CODES[code] = asked
            self.send_response(302)
            self.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.end_headers()
        else:
            self.answer(404, {})

    def do_POST(self):
        issuer = f"http://127.0.0.1:{self.server.server_port}"
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        client = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = CODES.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if self.headers["Authorization"] != f"Basic {client}":
            self.answer(401, {"error": "invalid_client"})
        elif (
            asked is None
            or challenge.decode().rstrip("=") != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            self.answer(400, {"error": "invalid_grant"})
        else:
            self.answer(200, {"access_token": "-", "token_type": "Bearer", "id_token": id_token(issuer, asked)})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        return None


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Provider).serve_forever()
