// SPDX-License-Identifier: Apache-2.0
// same-outputs.js A B ABSOLUTE SIZE...: gives the networks A and B the same numbers, of this shape, and fails where an
// output of onnxruntime differs by more.
const ort = require('onnxruntime-node')

async function outputs (file, input) {
  const session = await ort.InferenceSession.create(file)
  const given = await session.run({ [session.inputNames[0]]: input })
  return given[session.outputNames[0]].data
}

async function main ([a, b, absolute, ...sizes]) {
  const dims = sizes.map(Number)
  let state = 5
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const count = dims.reduce((x, y) => x * y)
  const input = new ort.Tensor('float32', Float32Array.from({ length: count }, draw), dims)
  const [left, right] = [await outputs(a, input), await outputs(b, input)]
  const apart = Math.max(...left.map((x, i) => Math.abs(x - right[i])))
  const most = Math.max(...left.map(Math.abs))
  console.log(`${left.length} outputs of up to ${most} differ by ${apart} at most`)
  if (left.length !== right.length || !(apart <= absolute) || !(most > 0)) process.exit(1)
}

main(process.argv.slice(2))
