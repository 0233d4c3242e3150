/* SPDX-License-Identifier: Apache-2.0 */
/* vectors.c: tensors of one dimension, which are norms and biases. The element-wise operators of
 * ggml take them in f32 alone, and a program that meets another type stops with an assertion when
 * the model is used, long after it was written. */
#include "gguf.h"

static const uint32_t type_f32 = 0;

static adze_status
refuse (const gguf_writer *writer, const adze_tensor_meta *meta, uint32_t type)
{
  char shown[GGUF_SHOWN];
  gguf_shown (meta->name, strlen (meta->name), shown);
  return adze_fail (writer->host, ADZE_E_UNSUPPORTED,
                    "tensor '%s' has one dimension and would become %s; llama.cpp takes norms and "
                    "biases in f32 alone and stops at others. Leave them out of the stage that "
                    "changes them, by a [[stage.rule]] with match = \"{*norm*,*.bias}\" and skip = "
                    "true, or say vectors = \"any\" for a program that takes them",
                    shown, gguf_type_of_number (type)->name);
}

/* Files that came with such tensors are somebody's who knows, and go on as they are; and what is
 * said to be for no program at all is not held to what programs want. */
adze_status
gguf_check_vectors (const gguf_writer *writer, const adze_params *params)
{
  const adze_cargo_service *cargo = writer->cargo_service;
  const char *allowed = adze_param_string (writer->host, params, "vectors");
  if (!writer->has_architecture || strcmp (allowed, "any") == 0
      || !GGUF_CARGO_HAS (cargo, retyped))
    return ADZE_OK;
  for (size_t i = 0; i < writer->tensor_count; i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    uint32_t type = 0;
    adze_status status = cargo->tensor (writer->host, writer->cargo, i, &meta);
    if (status == ADZE_OK)
      status = gguf_type_of_meta (writer->host, &meta, &type);
    if (status != ADZE_OK)
      return status;
    if (meta.rank <= 1 && type != type_f32 && cargo->retyped (writer->host, writer->cargo, i))
      return refuse (writer, &meta, type);
  }
  return ADZE_OK;
}
