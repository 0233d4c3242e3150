/* SPDX-License-Identifier: Apache-2.0 */
/* ref.h: what kernels of the reference backend are, and what they are made of.
 *
 * A kernel does one operator. It reads attributes with the helpers of adze/draft/graph.h, sizes
 * from the views, and writes numbers to outputs that are there already. It is plain: one order of
 * sums, work cut between threads by elements of the output only, so that the bytes are always the
 * same.
 *
 * What it can believe: outputs have the types and shapes that the host inferred. What it must look
 * at: types and shapes of inputs where wrong ones would have it read or write beyond the end,
 * attributes, and every number of an input that serves as an index, an axis or a size.
 */
#ifndef ADZE_REF_H
#define ADZE_REF_H

#include <stdlib.h>
#include <string.h>

#include <adze/sdk.h>

/* ---- Types of elements. */

typedef enum ref_type {
  REF_F32,
  REF_F64,
  REF_I8,
  REF_I16,
  REF_I32,
  REF_I64,
  REF_U8,
  REF_U16,
  REF_U32,
  REF_U64,
  REF_BOOL,
  REF_F16,
  REF_BF16,
  REF_OTHER /* none that a kernel can compute with */
} ref_type;

/* Sets of types. */
#define REF_SET(type) (1u << (type))
#define REF_FLOATS (REF_SET (REF_F32) | REF_SET (REF_F64))
#define REF_SIGNED (REF_SET (REF_I8) | REF_SET (REF_I16) | REF_SET (REF_I32) | REF_SET (REF_I64))
#define REF_UNSIGNED (REF_SET (REF_U8) | REF_SET (REF_U16) | REF_SET (REF_U32) | REF_SET (REF_U64))
#define REF_NUMBERS (REF_FLOATS | REF_SIGNED | REF_UNSIGNED)
#define REF_HALVES (REF_SET (REF_F16) | REF_SET (REF_BF16))
#define REF_ALL (REF_NUMBERS | REF_SET (REF_BOOL) | REF_HALVES)

/* The one list of types that kernels are written for: X (which, type in C, suffix of names). A bool
 * is a byte, 0 or 1. */
#define REF_EACH_FLOAT(X) X (REF_F32, float, f32) X (REF_F64, double, f64)
#define REF_EACH_SIGNED(X) \
  X (REF_I8, int8_t, i8) X (REF_I16, int16_t, i16) X (REF_I32, int32_t, i32) \
  X (REF_I64, int64_t, i64)
#define REF_EACH_UNSIGNED(X) \
  X (REF_U8, uint8_t, u8) X (REF_U16, uint16_t, u16) X (REF_U32, uint32_t, u32) \
  X (REF_U64, uint64_t, u64)
#define REF_EACH_NUMBER(X) REF_EACH_FLOAT (X) REF_EACH_SIGNED (X) REF_EACH_UNSIGNED (X)

ref_type ref_type_of (adze_dtype dtype);
const char *ref_type_name (adze_dtype dtype);
static inline ref_type
ref_view_type (const adze_view *view)
{
  return ref_type_of (view->dtype);
}
/* Bytes of an element; 0: it is not whole bytes. */
size_t ref_size_of (adze_dtype dtype);

/* ---- A call. */

/* Memory that is taken and given back all at once: first what the host lent for this program, then of
 * a block as large as the largest call needed, which is kept, so that the same call allocates nothing
 * the next time. */
typedef struct ref_memory {
  char *lent;
  size_t lent_size, lent_used;
  char *block;
  size_t size, used, wanted;
  struct ref_more {
    struct ref_more *next;
  } *more; /* what did not fit this time */
} ref_memory;

/* The call is over. */
void ref_memory_settle (const adze_host *host, ref_memory *memory);

typedef struct ref_call {
  const adze_host *host;
  const adze_graph_node *node;
  const adze_view *const *inputs; /* NULL: left out */
  size_t input_count;
  adze_view *const *outputs; /* NULL: nobody asks for it */
  size_t output_count;
  ref_memory *memory;
} ref_call;

/* NULL: left out, or there are not so many. */
static inline const adze_view *
ref_in (const ref_call *call, size_t index)
{
  return index < call->input_count ? call->inputs[index] : NULL;
}

static inline adze_view *
ref_out (const ref_call *call, size_t index)
{
  return index < call->output_count ? call->outputs[index] : NULL;
}

/* The kernel's to use until it returns, content undefined; NULL without memory, or where COUNT
 * times SIZE is no size. Not from within a parallel body. */
void *ref_take (ref_call *call, size_t count, size_t size);

/* ---- Refusing. All name the node. */

adze_status ref_refuse (const ref_call *call, adze_status status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
adze_status ref_no_memory (const ref_call *call);
/* Input INDEX is of a type that the kernel does not do. */
adze_status ref_refuse_type (const ref_call *call, size_t index);
/* Are inputs 0 to COUNT - 1, where given, there and of one type? At least the first must be. */
adze_status ref_check_same_type (const ref_call *call, size_t count);
/* Is input INDEX there, of TYPE, and of RANK dimensions (-1: any number)? */
adze_status ref_check_input (const ref_call *call, size_t index, ref_type type, int32_t rank);
/* Have A and B the same shape? */
bool ref_same_shape (const adze_view *a, const adze_view *b);
/* AXIS from -RANK to RANK - 1, made one from 0 on. */
adze_status ref_axis (const ref_call *call, int64_t axis, int32_t rank, int32_t *into);
/* Whole numbers of an input of one dimension or none, int32 or int64, as int64 in memory of the
 * call. Refuses other types; left out: NULL and 0. */
adze_status ref_ints (ref_call *call, size_t index, const int64_t **ints, size_t *count);

/* ---- Shapes. */

/* Product of dimensions FIRST to LAST - 1. */
size_t ref_product (const adze_view *view, int32_t first, int32_t last);

/* A number of items for a piece of parallel work, when each costs about COST operations. */
size_t ref_grain (size_t cost);

/* ---- Kernels. */

/* What is known of a node before it runs. */
typedef struct ref_question {
  const adze_graph_service *service;
  const adze_graph *graph;
  const adze_graph_node *node;
} ref_question;

/* NULL: left out, or there are not so many. Its type may be unknown, bits 0. */
const adze_graph_value *ref_asked_input (const ref_question *question, size_t index);
/* Is the type of input INDEX in the set TYPES, or not known yet? True where it is left out. */
bool ref_asked_type (const ref_question *question, size_t index, uint32_t types);
/* The same of output INDEX. */
bool ref_asked_output (const ref_question *question, size_t index, uint32_t types);

typedef struct ref_kernel {
  const char *domain, *op;
  /* A set of types: those of the first input. 0: any. It is looked at when a node is claimed, and
   * again before it runs. */
  uint32_t types;
  /* Takes float16 and bfloat16 as well: such inputs and outputs are float32 when it sees them, and
   * what it gives is rounded. */
  bool widen;
  /* What else must hold; NULL: nothing. False: it is not claimed. */
  bool (*takes) (const ref_question *question);
  adze_status (*run) (ref_call *call);
} ref_kernel;

/* NULL: there is none for such a node. */
const ref_kernel *ref_kernel_find (const ref_question *question);
/* What it takes beside its outputs, as far as sizes say it: those that work on doubles have a copy of
 * everything. */
uint64_t ref_kernel_room (const ref_question *question, const ref_kernel *kernel);

/* The families: each file of kernels ends in its table, which ends in one without an op. kernels.c
 * looks through all of them. */
extern const ref_kernel ref_kernels_binary[], ref_kernels_cast[], ref_kernels_create[],
    ref_kernels_einsum[], ref_kernels_gather[], ref_kernels_layout[], ref_kernels_matmul[],
    ref_kernels_pad[], ref_kernels_reduce[], ref_kernels_scatter[], ref_kernels_select[],
    ref_kernels_axis[], ref_kernels_unary[];
extern const ref_kernel ref_kernels_nn[], ref_kernels_quant[], ref_kernels_other[];

#endif
