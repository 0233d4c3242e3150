// SPDX-License-Identifier: Apache-2.0
// onnx-run.js [A B]...: onnxruntime computes with B what it computes with A, to the last bit.
const ort = require('onnxruntime-node')

// Numbers for every input, whatever it is called. A size that is left open is that of the batch in
// front, LAST at the end, and INNER elsewhere.
function feed (session, [inner, last]) {
  const feeds = {}
  for (const input of session.inputMetadata) {
    const shape = input.shape.map((size, i, all) =>
      typeof size === 'number' && size > 0 ? size : i === 0 ? 1 : i === all.length - 1 ? last : inner)
    const count = shape.reduce((a, b) => a * b, 1)
    const data = Array.from({ length: count }, (_, i) => (i % 13) / 13)
    const make = {
      float32: () => Float32Array.from(data),
      bool: () => Uint8Array.from(data, x => x > 0 ? 1 : 0),
      int64: () => BigInt64Array.from(data, () => 16000n)
    }[input.type]
    if (!make) throw new Error('an input of type ' + input.type)
    feeds[input.name] = new ort.Tensor(input.type, make(), shape)
  }
  return feeds
}

// What comes out, as bytes; an error where the model does not take such inputs.
async function outputs (path, sizes) {
  const session = await ort.InferenceSession.create(path, { logSeverityLevel: 4 })
  const found = {}
  try {
    const results = await session.run(feed(session, sizes), { logSeverityLevel: 4 })
    for (const [name, tensor] of Object.entries(results)) {
      found[name] = Array.isArray(tensor.data)
        ? tensor.data.join()
        : Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString('hex')
    }
  } catch (error) {
    return { refused: true }
  } finally {
    await session.release()
  }
  return found
}

async function compare (before, after) {
  let ran = false
  for (const sizes of [[1, 512], [64, 64]]) {
    const was = await outputs(before, sizes)
    const is = await outputs(after, sizes)
    if (JSON.stringify(was) !== JSON.stringify(is)) throw new Error('the outputs are others')
    ran ||= !was.refused
  }
  return ran
}

async function main (paths) {
  let failed = 0
  let ran = 0
  for (let i = 0; i + 1 < paths.length; i += 2) {
    try {
      ran += await compare(paths[i], paths[i + 1])
    } catch (error) {
      console.log(`FAILED: ${paths[i + 1]}: ${error.message}`)
      failed = 1
    }
  }
  console.log(`${ran} of ${paths.length / 2} models were run`)
  if (ran === 0) failed = 1
  process.exit(failed)
}

main(process.argv.slice(2))
