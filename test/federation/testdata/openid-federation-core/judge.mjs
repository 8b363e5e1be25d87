// Resolves the chains of an entity up to an anchor, and says what it came to:
//   node judge.mjs ENTITY ANCHOR
import { resolveTrustChains } from "@openid-federation/core";
import { webcrypto } from "node:crypto";

const verifyJwtCallback = async ({ data, signature, jwk }) => {
  const key = await webcrypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  return webcrypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, data);
};

const [entityId, anchor] = process.argv.slice(2);
try {
  const chains = await resolveTrustChains({ entityId, trustAnchorEntityIds: [anchor], verifyJwtCallback });
  console.log(JSON.stringify({ chains: chains.map((c) => ({ statements: c.chain.map((s) => [s.iss, s.sub]), metadata: c.resolvedLeafMetadata })) }));
} catch (e) {
  console.log(JSON.stringify({ error: String(e) }));
}
