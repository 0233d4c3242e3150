/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/external.h: numbers in a file beside the model: external_data. */
#ifndef ONNX_EXTERNAL_H
#define ONNX_EXTERNAL_H

#include "tensor.h"

/* The longest name of such a file. */
#define ONNX_FILE_NAME_MAX 4096

typedef struct onnx_external {
  char file[ONNX_FILE_NAME_MAX + 1]; /* relative to the model's folder */
  uint64_t offset;
} onnx_external;

/* What the entries of an external TENSOR say. */
adze_status onnx_external_parse (onnx_input *input, const onnx_tensor *tensor,
                                 onnx_external *external);

/* Is FIELD of a tensor an entry that is written anew, rather than kept? */
adze_status onnx_external_is_ours (onnx_input *input, const onnx_field *field, bool *ours);

/* The entries and data_location as they are written; returns how many bytes. */
#define ONNX_EXTERNAL_ROOM (ONNX_FILE_NAME_MAX + 128)
size_t onnx_external_put (uint8_t *into, const char *file, uint64_t offset, uint64_t length);

#endif
