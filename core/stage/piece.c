/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of tensors. */
#include "stage/piece.h"

#include <string.h>

adze_error *
adze_tensor_bytes (adze_dtype dtype, int32_t rank, const int64_t *shape, size_t *bytes)
{
  if (rank < 0 || rank > ADZE_RANK_MAX || (rank > 0 && !shape))
    return adze_error_new (ADZE_E_CONTRACT, "a tensor of rank %d; 0 to %d are possible", (int)rank,
                           ADZE_RANK_MAX);
  if (dtype.bits == 0 || dtype.lanes == 0)
    return adze_error_new (ADZE_E_CONTRACT, "an element type of %u bits in %u lanes",
                           (unsigned)dtype.bits, (unsigned)dtype.lanes);
  /* A dimension of 0 must not hide others whose product nobody could compute. */
  size_t bits = (size_t)dtype.bits * dtype.lanes;
  bool empty = false;
  for (int32_t i = 0; i < rank; i++) {
    if (shape[i] < 0
        || __builtin_mul_overflow (bits, shape[i] ? (size_t)shape[i] : 1, &bits)
        || bits > INT64_MAX)
      return adze_error_new (ADZE_E_CONTRACT, "dimension %d of a tensor is %lld, which cannot be",
                             (int)i, (long long)shape[i]);
    empty = empty || shape[i] == 0;
  }
  *bytes = empty ? 0 : bits / 8 + (bits % 8 != 0);
  return NULL;
}

/* ---- Cutting. */

static uint64_t
last_dimension (const adze_tensor_meta *meta)
{
  return meta->rank > 0 ? (uint64_t)meta->shape[meta->rank - 1] : 1;
}

/* Elements of a row. */
static uint64_t
row_of (const adze_tensor_meta *meta, adze_cut cut)
{
  uint64_t row = 1;
  if (cut.row_rank == 0)
    return last_dimension (meta);
  for (int32_t i = (int32_t)cut.row_rank; i < meta->rank; i++)
    row *= (uint64_t)meta->shape[i];
  return row;
}

static unsigned
bits_of (const adze_tensor_meta *meta)
{
  return (unsigned)meta->dtype.bits * meta->dtype.lanes;
}

uint64_t
adze_piece_step (const adze_tensor_meta *meta, adze_cut cut)
{
  uint64_t step = cut.grain == ADZE_GRAIN_ELEMENT ? 1
                  : cut.grain == ADZE_GRAIN_ROW   ? row_of (meta, cut)
                                                  : adze_tensor_meta_elements (meta);
  if (cut.grain == ADZE_GRAIN_ELEMENT && !meta->codec && bits_of (meta) % 8 != 0)
    step = 8;
  return step > 0 ? step : 1;
}

uint64_t
adze_piece_share (const adze_tensor_meta *first, const adze_tensor_meta *meta, adze_cut cut,
                  uint64_t count)
{
  if (cut.grain == ADZE_GRAIN_TENSOR)
    return adze_tensor_meta_elements (meta);
  return cut.row_rank == 0 ? count : count / adze_piece_step (first, cut) * row_of (meta, cut);
}

adze_error *
adze_piece_check (const adze_tensor_meta *meta, adze_cut cut)
{
  if (cut.grain == ADZE_GRAIN_ELEMENT && meta->codec)
    return adze_error_new (ADZE_E_CONTRACT,
                           "'%s' is encoded by %s in blocks of %u elements, and a technique of "
                           "grain element cannot be given parts of them",
                           meta->name, meta->codec, meta->block_elements);
  const uint64_t row = cut.grain == ADZE_GRAIN_ROW ? row_of (meta, cut) : 0;
  if (row > 0 && !meta->codec && row * bits_of (meta) % 8 != 0)
    return adze_error_new (ADZE_E_CONTRACT,
                           "a row of '%s' has %llu elements of %u bits, which end inside of a byte, "
                           "and a technique of grain row cannot be given rows of them",
                           meta->name, (unsigned long long)row, bits_of (meta));
  if (row > 0 && meta->codec && row % meta->block_elements != 0)
    return adze_error_new (ADZE_E_CONTRACT,
                           "a row of '%s' has %llu elements, which are no blocks of %u of %s, and a "
                           "technique of grain row cannot be given rows of them",
                           meta->name, (unsigned long long)row, meta->block_elements, meta->codec);
  return NULL;
}

uint64_t
adze_piece_offset (const adze_tensor_meta *meta, uint64_t first)
{
  if (meta->codec)
    return first / meta->block_elements * meta->block_bytes;
  /* In two steps: the bits of a tensor are more than 64 bits can count. */
  uint64_t bits = bits_of (meta);
  return bits % 8 == 0 ? first * (bits / 8) : first / 8 * bits + first % 8 * bits / 8;
}

static uint64_t
bytes_of (const adze_tensor_meta *meta, uint64_t count)
{
  if (meta->codec)
    return count / meta->block_elements * meta->block_bytes;
  uint64_t bits = bits_of (meta);
  return bits % 8 == 0 ? count * (bits / 8) : count / 8 * bits + (count % 8 * bits + 7) / 8;
}

static int32_t
shape_of (const adze_tensor_meta *meta, adze_cut cut, uint64_t count, int64_t *shape)
{
  if (cut.grain == ADZE_GRAIN_ELEMENT) {
    shape[0] = (int64_t)count;
    return 1;
  }
  if (cut.grain == ADZE_GRAIN_ROW) {
    uint64_t row = row_of (meta, cut);
    shape[0] = row > 0 ? (int64_t)(count / row) : 0;
    shape[1] = (int64_t)row;
    return 2;
  }
  for (int32_t i = 0; i < meta->rank; i++)
    shape[i] = meta->shape[i];
  return meta->rank;
}

void
adze_piece_make_absent (const adze_tensor_meta *meta, adze_piece *piece)
{
  adze_piece_make (meta, (adze_cut){ ADZE_GRAIN_ELEMENT, 0 }, 0, NULL, piece);
}

void
adze_piece_make (const adze_tensor_meta *meta, adze_cut cut, uint64_t count, void *data,
                 adze_piece *piece)
{
  if (cut.grain == ADZE_GRAIN_TENSOR)
    count = adze_tensor_meta_elements (meta);
  int32_t rank = shape_of (meta, cut, count, piece->shape);
  piece->tensor = (adze_tensor){
    .struct_size = sizeof piece->tensor,
    .name = meta->name,
    .view = { .data = data,
              .device = { ADZE_DEVICE_CPU, 0 },
              .rank = rank,
              .dtype = meta->dtype,
              .shape = piece->shape },
    .codec = meta->codec,
    .byte_size = bytes_of (meta, count),
  };
  if (!meta->codec)
    return;
  for (int32_t i = 0; i < rank; i++)
    piece->block[i] = i + 1 < rank ? 1 : meta->block_elements;
  piece->tensor.block_shape = piece->block;
}

/* ---- Tensors of strangers. */

static adze_error *
bad_blocks (const adze_tensor *tensor, const char *why)
{
  return adze_error_new (ADZE_E_UNSUPPORTED, "the blocks of '%s', encoded by %s, %s",
                         tensor->name ? tensor->name : "", tensor->codec, why);
}

/* Without a shape of blocks a row is taken for one. */
static adze_error *
block_meta (const adze_tensor *tensor, adze_tensor_meta *meta)
{
  uint64_t block = last_dimension (meta);
  if (meta->rank == 0)
    return bad_blocks (tensor, "have no row to lie in");
  for (int32_t i = 0; tensor->block_shape && i < meta->rank; i++) {
    if (tensor->block_shape[i] < 1 || (i + 1 < meta->rank && tensor->block_shape[i] != 1))
      return bad_blocks (tensor, "are no neighbours in a row");
    block = (uint64_t)tensor->block_shape[i];
  }
  uint64_t blocks = block > 0 ? adze_tensor_meta_elements (meta) / block : 0;
  if (block > UINT32_MAX || blocks == 0 || tensor->byte_size % blocks != 0
      || tensor->byte_size / blocks > UINT32_MAX || tensor->byte_size == 0)
    return bad_blocks (tensor, "do not divide its bytes");
  meta->block_elements = (uint32_t)block;
  meta->block_bytes = (uint32_t)(tensor->byte_size / blocks);
  meta->codec = tensor->codec;
  return NULL;
}

adze_error *
adze_piece_meta (const adze_tensor *tensor, adze_tensor_meta *meta)
{
  uint64_t elements, bytes;
  *meta = (adze_tensor_meta){
    .struct_size = sizeof *meta,
    .rank = tensor->view.rank,
    .name = tensor->name ? tensor->name : "",
    .shape = tensor->view.shape,
    .dtype = tensor->view.dtype,
  };
  if (tensor->codec) {
    /* Its product must be known to be one before blocks are counted. */
    adze_tensor_meta bare = *meta;
    bare.dtype = (adze_dtype){ ADZE_UINT, 8, 1 };
    ADZE_TRY (adze_tensor_meta_size (&bare, &elements, &bytes));
    ADZE_TRY (block_meta (tensor, meta));
    meta->dtype = (adze_dtype){ ADZE_OPAQUE, 8, 1 };
  }
  ADZE_TRY (adze_tensor_meta_size (meta, &elements, &bytes));
  meta->byte_size = bytes;
  return NULL;
}
