/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/wire.h: protobuf's wire format, one field at a time, from a file or from memory.
 *
 * What a length says is compared with what is left of the message around it before anything else
 * happens, nothing is allocated, and the content of a field is not read to step over it.
 */
#ifndef ONNX_WIRE_H
#define ONNX_WIRE_H

#include <adze/sdk.h>

/* Bytes of a file that are read at a time. Stepping over a weight reads so much behind it in
 * vain: hence not more. */
#define ONNX_WINDOW 8192

/* Protobuf's wire types, less the two that made groups. */
enum { ONNX_VARINT = 0, ONNX_FIXED64 = 1, ONNX_BYTES = 2, ONNX_FIXED32 = 5 };

/* [at, end) of an input. */
typedef struct onnx_span {
  uint64_t at, end;
} onnx_span;

typedef struct onnx_input {
  const adze_host *host;
  adze_file *file; /* NULL: all is at hand */
  uint64_t size;
  /* Bytes of fields' heads that were walked over, and how many may be: work, not memory. */
  uint64_t walked, walked_most;
  uint64_t fields, fields_most; /* the same in fields, each of which takes a while */
  /* The bytes at hand: SEEN_SIZE of them, from SEEN_AT on. */
  const uint8_t *seen;
  uint64_t seen_at, seen_size;
  uint8_t window[ONNX_WINDOW];
} onnx_input;

/* A field of a message. */
typedef struct onnx_field {
  uint32_t number; /* 0: the message has ended */
  uint32_t type;
  uint32_t width;  /* ONNX_BYTES: of the length, which stands right before BODY */
  uint64_t at;     /* where the field begins */
  uint64_t body;   /* where its content begins */
  uint64_t end;
  uint64_t value;  /* ONNX_VARINT */
} onnx_field;

void onnx_input_file (onnx_input *input, const adze_host *host, adze_file *file);
void onnx_input_memory (onnx_input *input, const adze_host *host, const void *memory,
                        uint64_t size);

/* The next field of the message that REST is left of. */
adze_status onnx_next (onnx_input *input, onnx_span *rest, onnx_field *field);
/* The next number of a packed list. */
adze_status onnx_varint (onnx_input *input, onnx_span *rest, uint64_t *value);
/* How many numbers of one byte each come next in a packed list, of those that are at hand; they are
 * passed over. */
size_t onnx_short_varints (onnx_input *input, onnx_span *rest, const uint8_t **numbers);
/* Copies SIZE bytes from AT on. */
adze_status onnx_copy (onnx_input *input, uint64_t at, void *into, size_t size);
/* Are the bytes of SPAN these ones? */
adze_status onnx_same (onnx_input *input, onnx_span span, const char *text, bool *same);

static inline onnx_span
onnx_body (const onnx_field *field)
{
  onnx_span span = { field->body, field->end };
  return span;
}

/* Bytes of VALUE as a varint, and the varint itself in at least WIDTH bytes; returns how many. */
size_t onnx_varint_size (uint64_t value);
size_t onnx_varint_put (uint8_t *into, uint64_t value, size_t width);
#define ONNX_VARINT_MAX 10

/* States what is wrong at byte AT of the input. */
__attribute__ ((format (printf, 4, 5))) adze_status
onnx_fail_at (const onnx_input *input, uint64_t at, adze_status status, const char *format, ...);

#endif
