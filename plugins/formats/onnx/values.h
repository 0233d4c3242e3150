/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/values.h: numbers that a file keeps in another form than a tensor's: as varints, or in
 * several pieces. */
#ifndef ONNX_VALUES_H
#define ONNX_VALUES_H

#include "tensor.h"

/* How many bytes of the file hold the numbers. They are held in memory while they are decoded, so
 * they count as structure. */
adze_status onnx_values_size (onnx_input *input, const onnx_tensor *tensor, uint64_t *size);

/* TENSOR's numbers as its type has them. *VALUES is the caller's to release; NULL where there are
 * none. */
adze_status onnx_values_decode (onnx_input *input, const onnx_tensor *tensor, void **values);

#endif
