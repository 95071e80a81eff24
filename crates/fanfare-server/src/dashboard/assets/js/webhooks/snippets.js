// Complete programs that verify a signature. The browser tests run them against real requests.

const node = `import { createHmac, timingSafeEqual } from 'node:crypto';

// headers: names in lowercase; body: the raw bytes; secret: whsec_…
export function isGenuine(headers, body, secret) {
  const id = headers["webhook-id"];
  const timestamp = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return false;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const wanted = createHmac("sha256", key).update(id + "." + timestamp + ".").update(body).digest();
  return headers["webhook-signature"].split(" ").some((signature) => {
    const given = Buffer.from(signature.replace("v1,", ""), "base64");
    return signature.startsWith("v1,") && given.length === wanted.length && timingSafeEqual(given, wanted);
  });
}
`;

const python = `import base64, hashlib, hmac, time


def is_genuine(headers, body: bytes, secret: str) -> bool:
    """headers: a mapping; body: the raw bytes; secret: whsec_…"""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(signature, "v1," + wanted) for signature in given)
`;

const rust = `use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// \`now\`: seconds since 1970; \`body\`: the raw bytes; \`secret\`: whsec_…
pub fn is_genuine(id: &str, timestamp: &str, signatures: &str, body: &[u8], secret: &str, now: i64) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else { return false };
    if at.abs_diff(now) > 300 {
        return false;
    }
    let Ok(key) = STANDARD.decode(secret.trim_start_matches("whsec_")) else { return false };
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    // Compares in constant time.
    given.into_iter().any(|given| mac.clone().verify_slice(&given).is_ok())
}
`;

const shell = `# Put the raw body in body.json and the headers in these variables:
#   secret  webhook_id  webhook_timestamp  webhook_signature
key=$(printf %s "\${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \\n')
wanted=$({ printf '%s.%s.' "$webhook_id" "$webhook_timestamp"; cat body.json; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
case " $webhook_signature " in
  *" v1,$wanted "*) echo genuine ;;
  *) echo forged; exit 1 ;;
esac
`;

export const snippets = {
  node: { title: "JavaScript", about: "Node.js; no packages needed.", text: node },
  python: { title: "Python", about: "Python 3.9 or later; no packages needed.", text: python },
  rust: { title: "Rust", about: "Uses the crates base64 0.22, hmac 0.13 and sha2 0.11.", text: rust },
  shell: { title: "Shell", about: "openssl, for a saved request.", text: shell },
};
