// The certified OpenID provider `oidc-provider` (npm) over TLS. Its settings come in the environment: OIDC, a JSON object.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { pathToFileURL } from 'node:url';

const given = JSON.parse(process.env.OIDC);
const { Provider, errors } = await import(pathToFileURL(`${given.modules}/oidc-provider/lib/index.js`));
const jose = await import(pathToFileURL(`${given.modules}/jose/dist/webapi/index.js`));

const provider = new Provider(given.issuer, {
  clients: given.clients,
  cookies: { keys: given.cookie_keys },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  scopes: ['openid', 'offline_access', 'files.read', 'files.write'],
  features: {
    devInteractions: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: { enabled: false },
  },
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256'] },
  ttl: { AccessToken: 600, RefreshToken: 3600, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600, ClientCredentials: 60, IdToken: 60 },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

// Service accounts (RFC 7523 §2.1), which oidc-provider leaves to whoever runs it: checked by jose, not by Mover's own code.
provider.registerGrantType('urn:ietf:params:oauth:grant-type:jwt-bearer', async (ctx) => {
  const key = await jose.importJWK(given.service_key, 'RS256');
  try {
    const { payload } = await jose.jwtVerify(ctx.oidc.params.assertion, key, {
      issuer: 'robot@example.org', subject: 'user@example.org', audience: `${given.issuer}/token`,
      requiredClaims: ['exp', 'iat', 'jti'], maxTokenAge: '5 minutes', clockTolerance: 5,
    });
    ctx.oidc.entity('Client', ctx.oidc.client);
    const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: payload.scope ?? ctx.oidc.params.scope });
    ctx.oidc.entity('ClientCredentials', token);
    ctx.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: 60, scope: token.scope };
  } catch (problem) {
    throw new errors.InvalidGrant('assertion refused');
  }
}, ['assertion', 'scope']);

provider.on('server_error', (ctx, problem) => console.error(problem));
createServer({ key: readFileSync(given.key), cert: readFileSync(given.chain) }, provider.callback()).listen(given.port, '127.0.0.1');
