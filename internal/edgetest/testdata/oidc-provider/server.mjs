// An OpenID Provider on this machine, for one test. It signs in whoever the
// login_hint names, without asking: it must never be reached from elsewhere.
//
//   node server.mjs PORT JWKS-FILE     port 0 takes a free one
//
// Its first line on standard output is {"issuer": "http://127.0.0.1:PORT"}. It
// ends when its standard input does.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port, keys] = process.argv.slice(2);
const jwks = JSON.parse(readFileSync(keys, 'utf8'));
const audiences = { 'https://riverside.fame.example/': 'fame', 'https://elsewhere.example/': 'elsewhere' };
const person = (client_id, alg) => ({
  client_id,
  client_secret: 'only for tests',
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: [`https://${client_id}.example/signed-in`],
  id_token_signed_response_alg: alg,
});

let handle;
const server = createServer((req, res) => handle(req, res));
server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks,
    cookies: { keys: ['only for tests'] },
    clients: [
      person('portal', 'RS256'),
      person('elsewhere', 'ES256'),
      {
        client_id: 'surgery-system',
        client_secret: 'only for tests',
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    claims: { openid: ['sub', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, groups: id.startsWith('social-') ? ['everybody', 'children-social-workers'] : ['everybody'] }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_, resource) => ({
          scope: '',
          audience: audiences[resource],
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  const serve = provider.callback();
  handle = async (req, res) => {
    if (!req.url.startsWith('/interaction/')) return serve(req, res);
    try {
      const { params } = await provider.interactionDetails(req, res);
      await provider.interactionFinished(req, res, { login: { accountId: params.login_hint } });
    } catch (err) {
      res.statusCode = 500;
      res.end(String(err));
    }
  };
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
