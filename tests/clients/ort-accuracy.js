// SPDX-License-Identifier: Apache-2.0
// ort-accuracy.js IMAGES LABELS FILE.onnx...: of the pictures of an IDX file, packed by gzip or not, over 255, how many
// onnxruntime tells right with each model; one line a model, and behind the share how often it says what the first one
// says. Models whose name has "cnn" or "conv" in it take images, others rows of pixels.
const fs = require('fs')
const zlib = require('zlib')
const ort = require('onnxruntime-node')

const batch = 500

function idx (path) {
  let bytes = fs.readFileSync(path)
  if (bytes[0] === 0x1f) bytes = zlib.gunzipSync(bytes)
  const rank = bytes[3]
  const shape = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i))
  return { shape, data: bytes.subarray(4 + 4 * rank) }
}

function best (scores, first, count) {
  let at = 0
  for (let i = 1; i < count; i++) if (scores[first + i] > scores[first + at]) at = i
  return at
}

async function guesses (file, images) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 })
  const [count, ...sides] = images.shape
  const each = sides.reduce((a, b) => a * b)
  const flat = !/cnn|conv/.test(file)
  const found = []
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first)
    const numbers = Float32Array.from(images.data.subarray(first * each, (first + size) * each), x => x / 255)
    const input = new ort.Tensor('float32', numbers, flat ? [size, each] : [size, 1, ...sides])
    const out = (await session.run({ [session.inputNames[0]]: input }))[session.outputNames[0]]
    for (let i = 0; i < size; i++) found.push(best(out.data, i * out.dims[1], out.dims[1]))
  }
  return found
}

async function main () {
  const images = idx(process.argv[2])
  const labels = idx(process.argv[3])
  let first
  for (const file of process.argv.slice(4)) {
    const found = await guesses(file, images)
    first = first || found
    const right = found.filter((guess, i) => guess === labels.data[i]).length
    const same = found.filter((guess, i) => guess === first[i]).length
    console.log(`${file} ${(right / found.length).toFixed(4)} ${(same / found.length).toFixed(4)}`)
  }
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
