// SPDX-License-Identifier: Apache-2.0
// near.js A B...: onnxruntime computes with each B what it computes with A, but for roundings.
const ort = require('onnxruntime-node')

// Numbers that are the same each time, whole ones below 40; an open size is a batch of three.
function feed (session) {
  const feeds = {}
  for (const input of session.inputMetadata) {
    const shape = input.shape.map(size => typeof size === 'number' && size > 0 ? size : 3)
    const count = shape.reduce((a, b) => a * b, 1)
    const data = Array.from({ length: count }, (_, i) => i * 7919 % 101)
    feeds[input.name] = input.type === 'int64'
      ? new ort.Tensor('int64', BigInt64Array.from(data, x => BigInt(x % 40)), shape)
      : new ort.Tensor('float32', Float32Array.from(data, x => x / 101), shape)
  }
  return feeds
}

async function output (path) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
  const results = await session.run(feed(session))
  return Array.from(Object.values(results)[0].data)
}

async function main ([first, ...others]) {
  const wanted = await output(first)
  const most = Math.max(...wanted.map(Math.abs))
  for (const path of others) {
    const found = await output(path)
    const apart = Math.max(...wanted.map((x, i) => Math.abs(x - found[i])))
    console.log(`${path}: ${wanted.length} numbers up to ${most}, apart ${apart}`)
    if (found.length !== wanted.length || !(most > 1e-3) || !(apart <= 1e-5 * most)) process.exitCode = 1
  }
}

main(process.argv.slice(2))
