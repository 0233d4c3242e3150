/* SPDX-License-Identifier: Apache-2.0 */
/* onnx: models in ONNX's files. Weights are read from their place in the file; the graph and all
 * else is kept byte by byte and written as it was. */
#include "onnx.h"

#include <string.h>

#include "types.h"
#include "wire.h"

static const adze_param params[] = {
  { .name = "external", .type = ADZE_PARAM_CHOICE, .preset = "keep",
    .choices = "keep|never|always",
    .help = "writing: weights in a file beside the model: where they were, none, or all" },
  { .name = "external-file", .type = ADZE_PARAM_STRING, .preset = "",
    .help = "writing: that file's name; empty: the model's with .data behind it" },
  { .name = "external-threshold", .type = ADZE_PARAM_INT, .preset = "1024", .range = "[1024, inf)",
    .unit = "bytes", .help = "writing: external = always leaves smaller weights in the model" },
  { .name = NULL }
};

/* A varint at AT; false beyond the end. */
static bool
head_varint (const uint8_t *head, size_t size, size_t *at, uint64_t *value)
{
  *value = 0;
  for (unsigned shift = 0; shift < 64 && *at < size; shift += 7) {
    uint8_t byte = head[(*at)++];
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

/* The wire type of a ModelProto's field; -1: it has no such field. */
static int
model_field_type (uint64_t number)
{
  switch (number) {
  case 1: /* ir_version */
  case 5: /* model_version */
    return ONNX_VARINT;
  case 2:
  case 3:
  case 4:
  case 6:
  case 7:  /* graph */
  case 8:  /* opset_import */
  case 14: /* metadata_props */
  case 20:
  case 25:
  case 26:
    return ONNX_BYTES;
  default:
    return -1;
  }
}

/* Protobuf has no magic number. A model is known by its first fields: ir_version, which no model
 * lacks and writers put first, and another one, all with the right wire types. */
static bool
looks_like_model (const uint8_t *head, size_t size)
{
  bool version = false;
  unsigned others = 0;
  size_t at = 0;
  while (at < size) {
    uint64_t tag, value;
    if (!head_varint (head, size, &at, &tag))
      break;
    if (model_field_type (tag >> 3) != (int)(tag & 7))
      return false;
    if (!head_varint (head, size, &at, &value))
      break;
    if (tag >> 3 == 1) {
      if (version || value == 0 || value > 1000)
        return false;
      version = true;
    } else
      others++;
    if ((tag & 7) == ONNX_BYTES) {
      if (value > size - at)
        break;
      at += (size_t)value;
    }
  }
  return version && others > 0;
}

static int
recognise (const char *name, const void *head, size_t size)
{
  if (looks_like_model ((const uint8_t *)head, size))
    return 2;
  size_t length = strlen (name);
  return length > 5 && strcmp (name + length - 5, ".onnx") == 0;
}

static adze_status
carries (const adze_host *host, const adze_params *values, const adze_tensor_meta *meta)
{
  (void)values;
  if (meta->codec)
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "'%s' is in blocks of %s, and ONNX has plain numbers alone", meta->name,
                      meta->codec);
  if (!onnx_type_of (meta->dtype))
    return adze_fail (host, ADZE_E_UNSUPPORTED, "'%s' is of a type that ONNX does not have",
                      meta->name);
  return ADZE_OK;
}

static const adze_format callbacks = {
  .struct_size = sizeof callbacks,
  .extensions = "onnx",
  .recognise = recognise,
  .read = onnx_read,
  .carries = carries,
  .write = onnx_write,
  .graph = onnx_graph,
  .part = onnx_part,
  .codes = ADZE_CODES_BY_NODES,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_FORMAT_REVISION,
  .kind = ADZE_FORMAT,
  .id = "onnx",
  .summary = "Models in ONNX's files, their graph kept as it is",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "onnx",
  .version = "0.1.0",
  .summary = "Reads and writes ONNX models",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (onnx, plugin);
