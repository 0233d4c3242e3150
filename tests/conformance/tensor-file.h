/* SPDX-License-Identifier: Apache-2.0 */
/* One tensor as ONNX's conformance data has it: a TensorProto in a file of its own. */
#ifndef TESTS_CONFORMANCE_TENSOR_FILE_H
#define TESTS_CONFORMANCE_TENSOR_FILE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#include <adze/tensor.h>

typedef struct tensor_file {
  adze_view view;
  int64_t shape[16];
  void *data; /* aligned to 64 */
} tensor_file;

/* What is left to be read. */
typedef struct wire {
  const unsigned char *at, *end;
} wire;

static inline bool
wire_number (wire *w, uint64_t *number)
{
  *number = 0;
  for (int shift = 0; w->at < w->end && shift < 64; shift += 7) {
    unsigned char byte = *w->at++;
    *number |= (uint64_t)(byte & 127) << shift;
    if (!(byte & 128))
      return true;
  }
  return false;
}

/* The bytes of a field with a length. */
static inline bool
wire_bytes (wire *w, wire *inside)
{
  uint64_t size;
  if (!wire_number (w, &size) || size > (uint64_t)(w->end - w->at))
    return false;
  *inside = (wire){ w->at, w->at + size };
  w->at += size;
  return true;
}

static inline adze_dtype
dtype_of_onnx (uint64_t number)
{
  static const adze_dtype types[] = {
    [1] = { ADZE_FLOAT, 32, 1 },  [2] = { ADZE_UINT, 8, 1 },    [3] = { ADZE_INT, 8, 1 },
    [4] = { ADZE_UINT, 16, 1 },   [5] = { ADZE_INT, 16, 1 },    [6] = { ADZE_INT, 32, 1 },
    [7] = { ADZE_INT, 64, 1 },    [9] = { ADZE_BOOL, 8, 1 },    [10] = { ADZE_FLOAT, 16, 1 },
    [11] = { ADZE_FLOAT, 64, 1 }, [12] = { ADZE_UINT, 32, 1 },  [13] = { ADZE_UINT, 64, 1 },
    [14] = { ADZE_COMPLEX, 64, 1 }, [15] = { ADZE_COMPLEX, 128, 1 }, [16] = { ADZE_BFLOAT, 16, 1 },
  };
  return number < ADZE_COUNT_OF (types) ? types[number] : (adze_dtype){ 0 };
}

/* Element INDEX, given as a number of one of the repeated fields. */
static inline void
put_number (tensor_file *tensor, size_t index, uint64_t number)
{
  size_t size = tensor->view.dtype.bits / 8u;
  memcpy ((char *)tensor->data + index * size, &number, size); /* little-endian */
}

typedef struct tensor_parts {
  uint64_t type;
  wire raw, floats, doubles;
  wire numbers[3]; /* int32_data, int64_data, uint64_data; packed */
} tensor_parts;

static inline bool
read_parts (wire w, tensor_file *tensor, tensor_parts *parts)
{
  uint64_t key, number = 0;
  while (w.at < w.end) {
    wire inside = { NULL, NULL };
    if (!wire_number (&w, &key))
      return false;
    unsigned field = (unsigned)(key >> 3), kind = (unsigned)(key & 7);
    if (kind == 0 && !wire_number (&w, &number))
      return false;
    if (kind == 2 && !wire_bytes (&w, &inside))
      return false;
    if (kind == 1 || kind == 5)
      w.at += kind == 1 ? 8 : 4;
    if (field == 1 && kind == 0 && tensor->view.rank < 16)
      tensor->shape[tensor->view.rank++] = (int64_t)number;
    else if (field == 1)
      while (inside.at < inside.end && tensor->view.rank < 16 && wire_number (&inside, &number))
        tensor->shape[tensor->view.rank++] = (int64_t)number;
    else if (field == 2)
      parts->type = number;
    else if (field == 4)
      parts->floats = inside;
    else if (field == 5 || field == 7 || field == 11)
      parts->numbers[field == 5 ? 0 : field == 7 ? 1 : 2] = inside;
    else if (field == 9)
      parts->raw = inside;
    else if (field == 10)
      parts->doubles = inside;
  }
  return w.at == w.end;
}

/* False: it is no tensor whose numbers are understood (a sequence, texts). */
static inline bool
read_tensor (const char *path, tensor_file *tensor)
{
  ADZE_AUTO_FREE char *bytes = NULL;
  size_t size = 0;
  tensor_parts parts = { 0 };
  *tensor = (tensor_file){ 0 };
  ADZE_AUTO_ERROR error = adze_file_read (path, (size_t)1 << 30, &bytes, &size);
  if (error)
    return false;
  wire all = { (unsigned char *)bytes, (unsigned char *)bytes + size };
  if (!read_parts (all, tensor, &parts))
    return false;
  tensor->view.dtype = dtype_of_onnx (parts.type);
  tensor->view.device.type = ADZE_DEVICE_CPU;
  tensor->view.shape = tensor->shape;
  if (!tensor->view.dtype.bits)
    return false;
  size_t room = adze_view_count (&tensor->view) * tensor->view.dtype.bits / 8;
  tensor->data = tensor->view.data = aligned_alloc (64, (room / 64 + 1) * 64);
  if (!tensor->data)
    return false;
  memset (tensor->data, 0, (room / 64 + 1) * 64);
  wire given = parts.raw.at ? parts.raw : parts.floats.at ? parts.floats : parts.doubles;
  if (given.at) {
    if ((size_t)(given.end - given.at) != room)
      return false;
    memcpy (tensor->data, given.at, room);
    return true;
  }
  for (size_t i = 0; i < 3; i++) {
    uint64_t number;
    size_t index = 0;
    while (parts.numbers[i].at < parts.numbers[i].end && index < adze_view_count (&tensor->view)
           && wire_number (&parts.numbers[i], &number))
      put_number (tensor, index++, number);
  }
  return true;
}

#endif
