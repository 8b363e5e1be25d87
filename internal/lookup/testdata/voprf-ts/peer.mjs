// Somebody else's RFC 9497, to try ours against: one request per line of standard
// input, one answer per line of standard output, all bytes in hexadecimal.
import { createInterface } from 'node:readline'
import { CryptoNoble } from '@cloudflare/voprf-ts/crypto-noble'
import { Evaluation, EvaluationRequest, Oprf, VOPRFClient, VOPRFServer, deriveKeyPair } from '@cloudflare/voprf-ts'

const suite = Oprf.Suite.RISTRETTO255_SHA512
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (b) => Buffer.from(b).toString('hex')
const counted = (list) => hex([list.length >> 8, list.length & 255]) + list.join('')

let client, kept, server
const operations = {
  async key({ seed, info }) {
    const pair = await deriveKeyPair(Oprf.Mode.VOPRF, suite, bytes(seed), bytes(info), CryptoNoble)
    server = new VOPRFServer(suite, pair.privateKey, CryptoNoble)
    return { key: hex(pair.publicKey) }
  },
  async blind({ key, inputs }) {
    client = new VOPRFClient(suite, bytes(key), CryptoNoble)
    const [data, request] = await client.blind(inputs.map(bytes))
    kept = data
    return { blinded: request.blinded.map((e) => hex(e.serialize())) }
  },
  async evaluate({ blinded }) {
    const answer = await server.blindEvaluate(EvaluationRequest.deserialize(suite, bytes(counted(blinded)), CryptoNoble))
    return { evaluated: answer.evaluated.map((e) => hex(e.serialize())), proof: hex(answer.proof.serialize()) }
  },
  async finalize({ evaluated, proof }) {
    const answer = Evaluation.deserialize(suite, bytes(counted(evaluated) + '01' + proof), CryptoNoble)
    return { outputs: (await client.finalize(kept, answer)).map(hex) }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = await operations[request.do](request)
  } catch (e) {
    answer = { error: String(e) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
