/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/codec.h: the kind that knows how numbers are written. Tier: draft; the revision must match.
 *
 * A codec makes codes of rows of numbers, and numbers of codes again. Codes lie in planes, each of which is a
 * tensor of the model: first the codes themselves under the tensor's own name, then what belongs to them
 * (scales, zeros, a codebook) under that name and a suffix. A codec that has all in its blocks has one plane.
 *
 * A tensor is seen as rows, most often those of its last dimension. They are independent of each other: a piece of some rows gives the same codes whatever is done with the
 * others, and so the same bytes for any number of threads. What depends on all of a tensor (one scale for all
 * of it, the size of a plane) is observed first, in an accumulator, as techniques do.
 *
 * Numbers come as float32 and are finite: whoever uses a codec has looked at them, since it knows what the user
 * wants about a NaN.
 */
#ifndef ADZE_DRAFT_CODEC_H
#define ADZE_DRAFT_CODEC_H

#include <adze/draft/graph.h>
#include <adze/draft/model.h>
#include <adze/error.h>
#include <adze/event.h>
#include <adze/param.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_CODEC "codec"
#define ADZE_CODEC_REVISION 1

/* Planes of a coded tensor, at most; and how long a suffix is, with its NUL. */
#define ADZE_PLANES_MAX 4
#define ADZE_SUFFIX_MAX 16

/* One tensor of those that a coded one lies in. */
typedef struct adze_plane {
  char suffix[ADZE_SUFFIX_MAX]; /* ".scale"; "": the codes, plane 0 */
  adze_dtype dtype;             /* of plain elements; ADZE_OPAQUE: blocks of the codec */
  uint32_t block_elements;      /* of blocks: so many numbers of a row */
  uint32_t block_bytes;         /* become so many bytes */
  int32_t rank;                 /* of plain elements; blocks have the tensor's shape */
  uint32_t by_rows;             /* 1: the first dimensions are those of the tensor's rows, and a piece of rows has
                                   its part of it; 0: it is one for all, written with the first rows */
  int64_t shape[ADZE_RANK_MAX];
} adze_plane;

/* How a tensor is going to lie. */
typedef struct adze_coded {
  uint32_t struct_size;
  uint32_t plane_count;
  uint32_t whole;    /* 1: all rows must come at once */
  uint32_t row_rank; /* how many of the first dimensions count rows; the others together are the columns. 0: all
                        but the last */
  adze_plane planes[ADZE_PLANES_MAX];
  /* What is true of the tensor and is true of planes as well, a bit for each of these: it has no more different
   * values than the tensor; it has a code for each number, which is 0 where the number is. */
  uint32_t keeps_values;
  uint32_t keeps_zeros;
} adze_coded;

/* Dimensions of a tensor that count rows. */
static inline int32_t
adze_coded_row_rank (const adze_coded *coded, const adze_tensor_meta *meta)
{
  return coded->row_rank > 0 ? (int32_t)coded->row_rank : meta->rank > 1 ? meta->rank - 1 : 0;
}

static inline uint64_t
adze_coded_rows (const adze_coded *coded, const adze_tensor_meta *meta)
{
  uint64_t rows = 1;
  for (int32_t i = 0; i < adze_coded_row_rank (coded, meta); i++)
    rows *= (uint64_t)meta->shape[i];
  return rows;
}

static inline uint64_t
adze_coded_columns (const adze_coded *coded, const adze_tensor_meta *meta)
{
  uint64_t columns = 1;
  for (int32_t i = adze_coded_row_rank (coded, meta); i < meta->rank; i++)
    columns *= (uint64_t)meta->shape[i];
  return columns;
}

/* Bytes of a plane that belong to one row; 0 for one that does not go by rows. */
static inline uint64_t
adze_plane_row_bytes (const adze_coded *coded, uint32_t number, const adze_tensor_meta *meta)
{
  const adze_plane *plane = &coded->planes[number];
  uint64_t elements = 1;
  if (!plane->by_rows)
    return 0;
  if (plane->dtype.code == ADZE_OPAQUE)
    return adze_coded_columns (coded, meta) / plane->block_elements * plane->block_bytes;
  for (int32_t i = adze_coded_row_rank (coded, meta); i < plane->rank; i++)
    elements *= (uint64_t)plane->shape[i];
  return elements * plane->dtype.bits / 8;
}

/* Blocks as the plain bytes that they are, in rows as the tensor's: how a network has them, and a format that has no
 * blocks. */
static inline void
adze_coded_as_bytes (adze_coded *coded, const adze_tensor_meta *meta)
{
  adze_plane *plane = &coded->planes[0];
  uint64_t bytes = adze_plane_row_bytes (coded, 0, meta);
  int32_t rows = adze_coded_row_rank (coded, meta);
  if (plane->dtype.code != ADZE_OPAQUE)
    return;
  plane->dtype.code = ADZE_UINT;
  plane->rank = rows + 1;
  for (int32_t i = 0; i < rows; i++)
    plane->shape[i] = meta->shape[i];
  plane->shape[rows] = (int64_t)bytes;
}

/* Some rows, as numbers and as codes. */
typedef struct adze_coding {
  uint32_t struct_size;
  uint32_t reserved;
  const adze_tensor_meta *meta; /* of the numbers */
  const adze_coded *coded;
  const void *found;       /* the accumulator, when all has been observed; NULL: the codec has none */
  const float *importance; /* how much each column counts; NULL: all the same. encode alone */
  uint64_t first_row;
  uint64_t row_count;
  uint64_t columns;
  float *values;                   /* [row_count][columns]; encode reads them, decode writes them */
  void *planes[ADZE_PLANES_MAX];   /* the part of these rows; decode reads them, encode writes them */
} adze_coding;

typedef struct adze_codec {
  uint32_t struct_size;
  uint32_t revision; /* of what is written; another one reads nothing that this one wrote */
  /* 1: encode heeds importance. */
  uint32_t weighs;
  uint32_t reserved;
  const void *own; /* handed to each callback: what a plugin tells its codecs apart by */

  /* What a tensor of floats becomes. FOUND: what was observed of all of it; NULL while that is not known, and
   * sizes are then the largest that they can become. ADZE_E_UNSUPPORTED with the reason where it cannot be
   * coded: rows that are no multiple of a block. */
  adze_status (*describe) (const adze_host *host, const void *own, const adze_params *params,
                           const adze_tensor_meta *meta, const void *found, adze_coded *coded);

  /* What must be known of all of a tensor: plain bytes without pointers, zeros being the empty one, merged in
   * one fixed tree. NULL: nothing, and so are the two below. 0: nothing with these parameters. */
  size_t (*accumulator) (const adze_host *host, const void *own, const adze_params *params,
                         const adze_tensor_meta *meta);
  adze_status (*observe) (const adze_host *host, const void *own, const adze_params *params,
                          const adze_tensor_meta *meta, const float *values, uint64_t first,
                          uint64_t count, void *accumulator);
  adze_status (*merge) (const adze_host *host, const void *own, const adze_params *params, void *left,
                        const void *right);

  /* On several threads at once. */
  adze_status (*encode) (const adze_host *host, const void *own, const adze_params *params,
                         const adze_coding *coding);
  adze_status (*decode) (const adze_host *host, const void *own, const adze_params *params,
                         const adze_coding *coding);

  /* Nodes that make the numbers of the planes, for formats that have a network: PLANES are values of GRAPH, one
   * for each plane (blocks as bytes, the last dimension being that of a row's bytes); *VALUE gets the float32
   * tensor in the shape of META. Operators of ONNX at ADZE_GRAPH_OPSET alone, so that any runtime executes
   * them. NULL: networks cannot have such tensors. */
  adze_status (*graph) (const adze_host *host, const void *own, const adze_params *params,
                        const adze_tensor_meta *meta, const adze_coded *coded, adze_graph *graph,
                        const uint32_t *planes, uint32_t *value);

  /* All of a tensor has been observed: what is looked for in that is looked for once, and may be kept in FOUND
   * for all rows. FIELDS has room for MOST and gets what was found, for people; texts in it are constants. NULL:
   * FOUND is of use as it is. */
  adze_status (*decide) (const adze_host *host, const void *own, const adze_params *params,
                         const adze_tensor_meta *meta, void *found, adze_field *fields, uint32_t most,
                         uint32_t *count);
} adze_codec;

/* ---- Using one that a parameter names. */

typedef struct adze_codec_use adze_codec_use;

#define ADZE_CODECS "adze.codecs/1"

/* What a tensor is whose codes lie under its name: a trait of it, {"codec": "int8", "revision": 1, "type": "f32",
 * "shape": [64, 32], "params": {...}}; the host keeps it in step with the bytes, and reads it where numbers are
 * needed. */
#define ADZE_TRAIT_CODED "adze.coded/1"

typedef struct adze_codecs_service {
  uint32_t struct_size;

  /* [callback] The codec that parameter NAME of type component has. Belongs to the instance, and goes with
   * it. */
  adze_status (*open) (const adze_host *host, const adze_params *params, const char *name,
                       adze_codec_use **use);
  const char *(*id) (const adze_codec_use *use);
  bool (*weighs) (const adze_codec_use *use);

  /* [callback] As the codec's own; encode and decode from any thread that is inside a callback. */
  adze_status (*describe) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                           const void *found, adze_coded *coded);
  size_t (*accumulator) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta);
  adze_status (*observe) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                          const float *values, uint64_t first, uint64_t count, void *accumulator);
  adze_status (*merge) (const adze_host *host, adze_codec_use *use, void *left, const void *right);
  adze_status (*encode) (const adze_host *host, adze_codec_use *use, const adze_coding *coding);
  adze_status (*decode) (const adze_host *host, adze_codec_use *use, const adze_coding *coding);
  adze_status (*graph) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                        const adze_coded *coded, adze_graph *graph, const uint32_t *planes,
                        uint32_t *value);

  /* [callback] The trait of a tensor that it has coded, as JSON. Valid until the next call for USE. */
  const char *(*trait) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta);

  /* [callback] A codec by its id, with all presets: for a technique that chooses by itself. All that it may come
   * to use are to be opened by the end of the first describe, since results depend on them. */
  adze_status (*open_id) (const adze_host *host, const char *id, adze_codec_use **use);

  /* [callback] As the codec's own, once, when all of a tensor has been observed and before anything is made of
   * FOUND. */
  adze_status (*decide) (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta,
                         void *found, adze_field *fields, uint32_t most, uint32_t *count);
} adze_codecs_service;

static inline const adze_codecs_service *
adze_codecs_of (const adze_host *host)
{
  return (const adze_codecs_service *)host->service (host, ADZE_CODECS);
}

ADZE_END_DECLS

#endif
