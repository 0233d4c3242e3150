/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: a header in JSON, and plain numbers. */
#include "safetensors.h"

static const adze_param params[] = {
  { .name = "shard-size",
    .type = ADZE_PARAM_INT,
    .preset = "0",
    .range = "[0, inf)",
    .unit = "bytes",
    .help = "writing: begin another file when the tensors of one would exceed this, and write to a name "
            "that ends in .safetensors.index.json; 0: one file" },
  { .name = "drop-graph",
    .type = ADZE_PARAM_BOOL,
    .preset = "false",
    .help = "writing: leave out what only another format holds, such as the graph of ONNX" },
  { .name = NULL },
};

/* A length that a header may have, and the brace that it begins with. */
static bool
looks_like_tensors (const unsigned char *head, size_t size)
{
  uint64_t length = 0;
  for (size_t i = 0; i < 8 && size >= 10; i++)
    length |= (uint64_t)head[i] << (8 * i);
  return size >= 10 && head[8] == '{' && length >= 2 && length >> 40 == 0;
}

static int
recognise (const char *name, const void *head, size_t size)
{
  const unsigned char *bytes = head;
  bool index = safetensors_ends_with (name, SAFETENSORS_INDEX_ENDING);
  if (index ? size > 0 && bytes[0] == '{' : looks_like_tensors (bytes, size))
    return 2;
  return index || safetensors_ends_with (name, SAFETENSORS_ENDING)
                 || safetensors_ends_with (name, ".sft")
             ? 1
             : 0;
}

static const adze_format callbacks = {
  .struct_size = sizeof callbacks,
  .extensions = "safetensors|sft|safetensors.index.json",
  .recognise = recognise,
  .read = safetensors_read,
  .carries = safetensors_carries,
  .write = safetensors_write,
  .takes_name = safetensors_takes_name,
  .codes = ADZE_CODES_PACKED,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_FORMAT_REVISION,
  .kind = ADZE_FORMAT,
  .id = "safetensors",
  .summary = "safetensors, the files of Hugging Face: plain tensors and texts",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "safetensors",
  .version = "0.1.0",      .summary = "Models in files of safetensors",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (safetensors, plugin);
