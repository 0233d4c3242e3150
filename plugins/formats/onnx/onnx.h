/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/onnx.h: the callbacks of the format, and the part of a model that only it knows.
 *
 * The part "onnx.model/1" is the model less its weights and its metadata_props, all numbers
 * little-endian:
 *
 *   8 bytes   size of the model
 *             the model: a sound ModelProto, whose weights have name, type, shape and all else,
 *             but no numbers; no byte is another one than in the file, the lengths of messages
 *             excepted
 *   8 bytes   where in it metadata_props belongs
 *   10 bytes  for each weight, in the order in which a walk finds them: form, width, hole (8), as
 *             weights.h has them
 */
#ifndef ONNX_ONNX_H
#define ONNX_ONNX_H

#include <adze/sdk.h>

#define ONNX_PART "onnx.model/1"
#define ONNX_PART_ITEM 10

adze_status onnx_read (const adze_host *host, const adze_params *params, adze_file *file,
                       adze_catalog *catalog);
adze_status onnx_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
                        adze_layout *layout);
adze_status onnx_graph (const adze_host *host, const adze_params *params, const char *part_id,
                        const void *part, size_t size, adze_graph *into);
adze_status onnx_part (const adze_host *host, const adze_params *params, const adze_graph *graph,
                       const char **part_id, void **bytes, size_t *size);

static inline void
onnx_put64 (uint8_t *into, uint64_t value)
{
  for (int i = 0; i < 8; i++)
    into[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t
onnx_get64 (const uint8_t *from)
{
  uint64_t value = 0;
  for (int i = 0; i < 8; i++)
    value |= (uint64_t)from[i] << (8 * i);
  return value;
}

#endif
