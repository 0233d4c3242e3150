/* SPDX-License-Identifier: Apache-2.0 */
/* gguf: models as llama.cpp and its kin keep them. */
#include "gguf.h"

static const adze_param params[] = {
  { .name = "architecture",
    .type = ADZE_PARAM_STRING,
    .preset = "",
    .help = "writing: general.architecture of a model that has none, such as llama" },
  { .name = "vectors",
    .type = ADZE_PARAM_CHOICE,
    .preset = "f32",
    .choices = "f32|any",
    .help = "writing: what stages may make of tensors of one dimension, which llama.cpp takes in "
            "f32 alone; those that were read with another type are written either way" },
  { .name = "shard-size",
    .type = ADZE_PARAM_INT,
    .preset = "0",
    .range = "[0, inf)",
    .unit = "bytes",
    .help = "writing: begin another file when the tensors of one would exceed this; 0: one file" },
  { .name = "order",
    .type = ADZE_PARAM_CHOICE,
    .preset = "auto",
    .choices = "auto|kept|layers",
    .help = "writing: the order of tensors: that of the model, or that of llama-quantize (those of no layer, then "
            "layer by layer, by name); auto: the latter for what a mixture of quantize made" },
  { .name = "longest-name",
    .type = ADZE_PARAM_INT,
    .preset = "63",
    .range = "[1, 1023]",
    .unit = "bytes",
    .help = "writing: refuse longer names of tensors; llama.cpp takes 63, others more" },
  { .name = "drop-graph",
    .type = ADZE_PARAM_BOOL,
    .preset = "false",
    .help = "writing: leave out what only another format holds, such as the graph of ONNX" },
  { .name = NULL },
};

static bool
ends_with (const char *name, const char *end)
{
  size_t length = strlen (name), size = strlen (end);
  return length >= size && strcmp (name + length - size, end) == 0;
}

static int
recognise (const char *name, const void *head, size_t size)
{
  if (size >= 4 && memcmp (head, GGUF_MAGIC, 4) == 0)
    return 2;
  return ends_with (name, ".gguf") ? 1 : 0;
}

static const adze_format callbacks = {
  .struct_size = sizeof callbacks,
  .extensions = "gguf",
  .recognise = recognise,
  .read = gguf_read,
  .carries = gguf_carries,
  .write = gguf_write,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_FORMAT_REVISION,
  .kind = ADZE_FORMAT,
  .id = "gguf",
  .summary = "GGUF, the files of llama.cpp: tensors, their blocks, and named values",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,        .id = "gguf",
  .version = "0.1.0",      .summary = "Models in GGUF files",
  .license = "Apache-2.0", .components = components,
};

ADZE_PLUGIN_REGISTER (gguf, plugin);
