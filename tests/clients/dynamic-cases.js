// SPDX-License-Identifier: Apache-2.0
// dynamic-cases.js FOLDER FLOATS MODEL: a case as ONNX's conformance data has them: MODEL, inputs that are made
// here, and what onnxruntime gives for them. That must be near what it gives with FLOATS: within LIMIT percent of
// what its numbers are in the mean.
const fs = require('fs')
const path = require('path')
const ort = require('onnxruntime-node')

const ROWS = 17
const LIMIT = 3

function varint (value) {
  return value < 128 ? [value] : [value & 127 | 128, ...varint(value >> 7)]
}

// A TensorProto of floats: dims, data_type, raw_data.
function tensorFile (tensor) {
  const raw = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
  const dims = tensor.dims.map(size => Buffer.from([8, ...varint(size)]))
  return Buffer.concat([...dims, Buffer.from([16, 1, 74, ...varint(raw.length)]), raw])
}

function input (meta) {
  let state = 5
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const shape = meta.shape.map(size => typeof size === 'number' && size > 0 ? size : ROWS)
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, next)
  return new ort.Tensor('float32', data, shape)
}

async function outputs (file, feeds) {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 })
  feeds ??= Object.fromEntries(session.inputMetadata.map(meta => [meta.name, input(meta)]))
  const given = await session.run(feeds)
  await session.release()
  return { feeds, given: Object.values(given) }
}

function save (folder, kind, tensors) {
  tensors.forEach((tensor, i) => fs.writeFileSync(path.join(folder, `${kind}_${i}.pb`), tensorFile(tensor)))
}

async function main (folder, floats, model) {
  const { feeds, given: wanted } = await outputs(floats)
  const { given } = await outputs(model, feeds)
  const data = path.join(folder, 'test_data_set_0')
  fs.mkdirSync(data, { recursive: true })
  fs.copyFileSync(model, path.join(folder, 'model.onnx'))
  save(data, 'input', Object.values(feeds))
  save(data, 'output', given)
  given.forEach((tensor, i) => {
    const size = wanted[i].data.reduce((sum, v) => sum + v * v, 0)
    const off = tensor.data.reduce((sum, v, k) => sum + (v - wanted[i].data[k]) ** 2, 0)
    const percent = 100 * Math.sqrt(off / size)
    console.log(`${model}: ${percent.toFixed(3)} % off`)
    if (!(percent > 0 && percent < LIMIT)) throw new Error(`more than ${LIMIT} %, or nothing at all`)
  })
}

main(...process.argv.slice(2)).catch(error => {
  console.error(error.message)
  process.exitCode = 1
})
