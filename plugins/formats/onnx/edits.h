/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/edits.h: what is taken out of a model's bytes, or put in, in the order of the bytes. */
#ifndef ONNX_EDITS_H
#define ONNX_EDITS_H

#include <adze/sdk.h>

typedef enum onnx_edit_kind {
  ONNX_CUT,      /* nothing comes instead */
  ONNX_LENGTH,   /* VALUE as a varint of at least WIDTH bytes */
  ONNX_WEIGHT,   /* the numbers of weight number VALUE */
  ONNX_METADATA  /* all of metadata_props */
} onnx_edit_kind;

/* CUT bytes at AT give way to what KIND says. */
typedef struct onnx_edit {
  uint64_t at;
  uint64_t cut;
  uint64_t value;
  uint32_t kind;
  uint32_t width;
} onnx_edit;

typedef struct onnx_edits {
  const adze_host *host;
  onnx_edit *list;
  size_t count, capacity;
} onnx_edits;

adze_status onnx_edits_add (onnx_edits *edits, onnx_edit_kind kind, uint64_t at, uint64_t cut,
                            uint64_t value);
void onnx_edits_release (onnx_edits *edits);

/* Makes room for one more of COUNT things of SIZE bytes. */
adze_status onnx_grow (const adze_host *host, void **list, size_t count, size_t more,
                       size_t *capacity, size_t size);
/* Gives back a list that grew. */
void onnx_drop (void *list);

#endif
