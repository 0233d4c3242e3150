/* SPDX-License-Identifier: Apache-2.0 */
/* onednn.h: how a part of a graph becomes a list of oneDNN's primitives.
 *
 * A store is memory; a slot is a value of the graph in one layout, within a store; an act is a
 * primitive with the slots that it takes and makes. A value has as many slots as there are layouts
 * that somebody wants it in, and the reorders between them are acts like all others. A constant is
 * reordered when the part is compiled, and never again.
 *
 *   onednn.c    the plugin: its callbacks
 *   part.c      stores, slots, acts
 *   place.c     memory for what is only needed in between; execution
 *   layout.c    memory descriptors
 *   window.c    attributes of convolution and pooling
 *   chain.c     functions of elements, several on one block at a time
 *   fuse.c      what a product or a convolution does on top of itself
 *   greatest.c  MaxPool with its gradient
 *   halves.c    bfloat16 where oneDNN has no primitive for it
 *   do_*.c      one function for each operator
 *   integer.h   what those of integers of 8 bits have in common: integer.c, and few_channels.c
 *               for convolutions of few channels
 *   pool_bytes.c  the greatest of windows of bytes
 *   code.c      what the library itself takes of memory
 */
#ifndef ADZE_ONEDNN_H
#define ADZE_ONEDNN_H

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

#include <adze/sdk.h>

/* More arguments than this no primitive of ours has but Concat's, which is refused beyond. */
enum { ONEDNN_ARGS = 64, ONEDNN_TAIL = 8 };
/* Functions in a chain, and what it needs in between at one time. */
enum { ONEDNN_LINKS = 20, ONEDNN_ROOMS = 10 };

#define ONEDNN_NO_SLOT SIZE_MAX

/* Of the OpenMP that oneDNN runs on. Its header comes with compilers, and not with all of them. */
extern void omp_set_num_threads (int count);
extern int omp_get_max_threads (void);
extern int omp_get_thread_limit (void);
extern int omp_get_max_active_levels (void);
extern int omp_get_dynamic (void);
extern void omp_set_dynamic (int may_be_fewer);
extern int omp_get_thread_num (void);
extern int omp_get_num_procs (void);
/* What compilers make of a loop that is shared out. */
extern void GOMP_parallel (void (*body) (void *), void *argument, unsigned threads, unsigned flags);

/* ---- crowd.c */

typedef struct onednn_crowd {
  int threads;
  bool is;             /* does somebody else want the processors too? */
  pthread_t more;      /* has OpenMP's threads sleep, while that is so */
  sem_t over;
  uint64_t looked;     /* when last, */
  uint64_t taken;      /* and how often a thread had had to make room by then */
  uint64_t since;      /* when a crowd was last over, or thought to be */
  uint64_t patience;   /* until that is tried */
} onednn_crowd;

/* Can there be COUNT more threads at one time? */
bool onednn_threads_fit (unsigned count);
void onednn_crowd_open (onednn_crowd *crowd, int threads);
/* Now and then while programs are executed, on the thread that executes them. */
void onednn_crowd_look (onednn_crowd *crowd);
void onednn_crowd_close (onednn_crowd *crowd);

/* The backend, one for each run. */
typedef struct onednn_self {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_attr_t attributes; /* scratchpads are ours; nothing else */
  int threads;
  bool integers; /* sums of products of bytes are right on this processor */
  bool bfloats;  /* oneDNN computes with bfloat16 on it */
  onednn_crowd crowd;
} onednn_self;

/* ---- What a program is made of. */

typedef enum onednn_where {
  ONEDNN_INPUT,
  ONEDNN_OUTPUT,
  ONEDNN_SCRATCH,
  ONEDNN_KEPT /* there before anything is executed */
} onednn_where;

typedef struct onednn_store {
  onednn_where where;
  uint32_t index; /* of the part's inputs or outputs */
  uint64_t size, offset;
  uint32_t first, last; /* acts; FIRST is above LAST where nobody needs it */
  void *kept;
  bool own; /* KEPT was allocated */
} onednn_store;

typedef struct onednn_slot {
  uint32_t value; /* ADZE_NONE: nobody looks for it */
  size_t store;
  dnnl_memory_desc_t layout;
  dnnl_memory_t memory;
  void *handle; /* the last one that MEMORY was given */
} onednn_slot;

typedef struct onednn_act onednn_act;

typedef struct onednn_arg {
  int what; /* DNNL_ARG_... */
  size_t slot;
} onednn_arg;

/* A function of elements, by ourselves. */
typedef enum onednn_element_op {
  ONEDNN_NO_ELEMENT = 0,
  ONEDNN_ADD,
  ONEDNN_SUBTRACT,
  ONEDNN_MULTIPLY,
  ONEDNN_DIVIDE,
  ONEDNN_ROOT,
  ONEDNN_NEGATE,
  ONEDNN_RELU_GRAD
} onednn_element_op;

/* What an act computes, where it is such a function; of one input both are the same. */
typedef struct onednn_element {
  onednn_element_op op;
  bool single[2]; /* one number for all elements */
  size_t in[2], out; /* slots */
  size_t count;
} onednn_element;

/* An argument of the act, or a place that is only there while a block is done. */
typedef struct onednn_place {
  bool room;
  uint8_t number;
} onednn_place;

typedef struct onednn_link {
  onednn_element_op op;
  bool single[2];
  onednn_place in[2], out;
} onednn_link;

/* What Adam's step reads and writes: rows, and one number for all each. */
enum {
  ONEDNN_WEIGHT, ONEDNN_GRADIENT, ONEDNN_MEAN, ONEDNN_SQUARE,
  ONEDNN_NEW_WEIGHT, ONEDNN_NEW_MEAN, ONEDNN_NEW_SQUARE, ONEDNN_STEP_ROWS,
  ONEDNN_MEAN_KEPT = ONEDNN_STEP_ROWS, ONEDNN_MEAN_SHARE, ONEDNN_SQUARE_KEPT, ONEDNN_SQUARE_SHARE,
  ONEDNN_LEAST, ONEDNN_RATE, ONEDNN_STEP_PLACES
};

typedef struct onednn_step {
  onednn_place places[ONEDNN_STEP_PLACES];
} onednn_step;

/* Some of them, one after the other over the same elements. */
typedef struct onednn_chain {
  onednn_link links[ONEDNN_LINKS];
  size_t count;
  size_t elements;
  size_t plain;     /* links that are done one after the other; the others, if any, are a step */
  onednn_step step;
} onednn_chain;

/* What we do ourselves in the place of a primitive. */
typedef adze_status onednn_work (const adze_host *host, const adze_program *program,
                                 const onednn_act *act);

struct onednn_act {
  dnnl_primitive_desc_t descriptor; /* of the primitive that is still to be made */
  dnnl_primitive_t primitive;       /* NULL: WORK computes it */
  onednn_arg args[ONEDNN_ARGS];
  dnnl_exec_arg_t given[ONEDNN_ARGS];
  int count;
  onednn_element element;
  onednn_work *work;
  void *own; /* what WORK needs to know; it goes with the act */
};

struct adze_program {
  onednn_store *stores;
  size_t store_count, store_room;
  onednn_slot *slots;
  size_t slot_count, slot_room;
  onednn_act *acts;
  size_t act_count, act_room;
  uint64_t scratch;
  bool executed;
};

/* ---- A part that is being compiled, or a node of which is asked whether it could be. */

typedef struct onednn_part {
  const adze_host *host;
  onednn_self *self;
  const adze_graph_service *service;
  const adze_graph *graph;
  adze_program *program;
  bool trial; /* descriptors are made, and nothing else */
  const adze_graph_node *node; /* that is looked at */
  uint32_t *uses; /* of each value: how many take it, the part's outputs among them */
  uint32_t *user; /* a node that takes it */
  bool *done;     /* of each node */
} onednn_part;

/* ---- part.c */

adze_status onednn_refuse (const onednn_part *part, adze_status status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
/* What oneDNN answered, as a status. */
adze_status onednn_checked (const onednn_part *part, dnnl_status_t status, const char *what);

/* Input or output INDEX of the node; NULL: left out. */
const adze_graph_value *onednn_in (const onednn_part *part, size_t index);
const adze_graph_value *onednn_out (const onednn_part *part, size_t index);
/* Are inputs 0 to COUNT - 1, where given, float32 or bfloat16 of known sizes and not empty? At least the
 * first must be given, and the first output must be such and the only one that is asked for. */
adze_status onednn_need_floats (const onednn_part *part, size_t count);
/* The same of what only moves or is chosen: bytes will do as well. */
adze_status onednn_need_numbers (const onednn_part *part, size_t count);

/* VALUE in LAYOUT, or as it lies where that is NULL. */
adze_status onednn_get (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                        size_t *slot);
/* VALUE's compact numbers, seen as SEEN, which is of their type. */
adze_status onednn_see (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen,
                        size_t *slot);
/* The same, and then in LAYOUT, which has SEEN's dimensions and may be of another type. */
adze_status onednn_see_in (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen,
                           const dnnl_memory_desc_t *layout, size_t *slot);
/* Room for VALUE in LAYOUT. */
adze_status onednn_make (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                         size_t *slot);
/* Room for VALUE's compact numbers, seen as SEEN, which is of their type. */
adze_status onednn_make_seen (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *seen,
                              size_t *slot);
/* Room for what is no value. */
adze_status onednn_make_room (onednn_part *part, const dnnl_memory_desc_t *layout, size_t *slot);
/* COUNT ones, as LAYOUT. */
adze_status onednn_make_ones (onednn_part *part, size_t count, const dnnl_memory_desc_t *layout,
                              size_t *slot);
/* NUMBERS, which the host allocated, as LAYOUT: gone with the program. */
adze_status onednn_keep (onednn_part *part, void *numbers, const dnnl_memory_desc_t *layout,
                         size_t *slot);
/* What lies in SLOT, read as LAYOUT: another slot. */
adze_status onednn_read_as (onednn_part *part, size_t slot, const dnnl_memory_desc_t *layout,
                            size_t *other);
/* What lies in FROM, in LAYOUT, which has the same dimensions. */
adze_status onednn_convert (onednn_part *part, size_t from, const dnnl_memory_desc_t *layout,
                            size_t *slot);
/* VALUE is what lies in SLOT, read as LAYOUT. */
adze_status onednn_alias (onednn_part *part, uint32_t value, size_t slot,
                          const dnnl_memory_desc_t *layout);

/* Adds a primitive. DESCRIPTOR is gone afterwards, whatever comes of it. */
adze_status onednn_act_add (onednn_part *part, dnnl_primitive_desc_t descriptor,
                            const onednn_arg *args, size_t count);
/* Its primitive, where it has one. */
adze_status onednn_act_finish (onednn_part *part, onednn_act *act);
adze_status onednn_reorder (onednn_part *part, size_t from, size_t to);
/* Adds an act without a primitive: what it computes is said by its element, or by its work. */
adze_status onednn_own_act_add (onednn_part *part, const onednn_arg *args, size_t count);
/* The same by WORK, with a copy of OWN, of SIZE. */
adze_status onednn_own_add (onednn_part *part, const onednn_arg *args, size_t count,
                            onednn_work *work, const void *own, size_t size);

/* Outputs of the node that the part gives away get to where they are asked for. */
adze_status onednn_deliver (onednn_part *part, const adze_graph_node *node);

/* ---- choose.c */

/* A descriptor of a primitive; ATTRIBUTES NULL: the usual ones. */
adze_status onednn_descriptor (const onednn_part *part, const void *description,
                               const_dnnl_primitive_attr_t attributes,
                               const_dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *descriptor);
/* oneDNN's product by its gemm takes the place of DESCRIPTOR where it can do this one. */
adze_status onednn_prefer_gemm (const onednn_part *part, const dnnl_matmul_desc_t *description,
                                const_dnnl_primitive_attr_t attributes,
                                dnnl_primitive_desc_t *descriptor);

/* ---- place.c */

adze_status onednn_finish (onednn_part *part);
void onednn_release (const adze_host *host, adze_program *program);
adze_status onednn_execute (const adze_host *host, const onednn_self *self, adze_program *program,
                            const adze_view *const *inputs, adze_view *const *outputs,
                            void *scratch);

/* ---- layout.c */

/* dnnl_data_type_undef: none that is done here. */
dnnl_data_type_t onednn_type_of (const adze_graph_value *value);
/* Dimensions of VALUE, one of 1 for a scalar; their number. */
int onednn_dims (const adze_graph_value *value, dnnl_dims_t dims);
/* STRIDES NULL: compact. */
void onednn_strided (dnnl_memory_desc_t *layout, dnnl_data_type_t type, int rank,
                     const int64_t *dims, const int64_t *strides);
void onednn_any (dnnl_memory_desc_t *layout, dnnl_data_type_t type, int rank, const int64_t *dims);
void onednn_compact (const adze_graph_value *value, dnnl_memory_desc_t *layout);
/* Compact, with RANK dimensions: those that VALUE does not have are in front. */
void onednn_stretched (const adze_graph_value *value, int rank, dnnl_memory_desc_t *layout);
/* Is every element at the same place? */
bool onednn_same (const dnnl_memory_desc_t *a, const dnnl_memory_desc_t *b);
/* No blocks, only strides? */
bool onednn_is_strided (const dnnl_memory_desc_t *layout);
/* How many channels lie in one block, where nothing else is in blocks; 1: none. 0: neither. */
int64_t onednn_block_of (const dnnl_memory_desc_t *layout);
/* VALUE, of the batch and the channels of OTHER, packed like that: channels in blocks, behind all others
 * or in front. */
void onednn_like (const dnnl_memory_desc_t *other, const adze_graph_value *value,
                  dnnl_memory_desc_t *layout);
int64_t onednn_product (const int64_t *dims, int first, int last);
const dnnl_memory_desc_t *onednn_layout_of (const_dnnl_primitive_desc_t descriptor,
                                            dnnl_query_t what);

/* ---- window.c */

typedef struct onednn_window {
  int dims;
  dnnl_dims_t kernel, strides, dilations, before, after; /* dilations count what is left out */
} onednn_window;

/* From the node's attributes: OVER is what the window moves over, POSITIONS where it goes, both
 * with batch and channels. KERNEL NULL: the attribute. */
adze_status onednn_window_of (const onednn_part *part, const adze_graph_value *over,
                              const adze_graph_value *positions, const int64_t *kernel,
                              onednn_window *window);

/* ---- fuse.c */

/* A node of this name, not yet done, that takes VALUE as input INDEX; NULL: there is
 * none. */
const adze_graph_node *onednn_taker (const onednn_part *part, const char *domain, const char *op,
                                     size_t index, uint32_t value);

/* What comes behind a primitive, and is done by it. */
typedef struct onednn_tail {
  dnnl_primitive_attr_t attributes;
  uint32_t value; /* what comes out in the end */
  uint32_t nodes[ONEDNN_TAIL];
  size_t count;
} onednn_tail;

/* An operator of one input that oneDNN has: Relu and its like. False: NODE is none. */
typedef struct onednn_eltwise {
  dnnl_alg_kind_t algorithm;
  float alpha, beta;
  bool behind; /* may be done on top of another primitive */
} onednn_eltwise;
bool onednn_eltwise_of (const onednn_part *part, const adze_graph_node *node,
                        onednn_eltwise *eltwise);

/* The only node that takes VALUE, which nobody else sees; NULL: there is none. */
const adze_graph_node *onednn_only_user (const onednn_part *part, uint32_t value);
/* What comes behind VALUE, onto OPERATIONS (which may have some already), which it takes. SCALE is
 * what the primitive multiplies its result by. */
adze_status onednn_tail_of (onednn_part *part, uint32_t value, dnnl_post_ops_t operations,
                            float scale, onednn_tail *tail);
void onednn_tail_done (onednn_part *part, onednn_tail *tail);

/* ---- chain.c */

/* The act added last is this function; IN[1] is IN[0] where it has one input. What cannot be in a chain
 * is left as it is. */
void onednn_element_note (onednn_part *part, onednn_element_op op, const size_t *in, size_t out);
/* Joins neighbours. */
adze_status onednn_chain_all (onednn_part *part);
/* May output OUTPUT of the program lie where input INPUT does? */
bool onednn_may_replace (const adze_program *program, uint32_t output, uint32_t input);

/* ---- step.c */

/* Do the last links of the chain make Adam's step? */
void onednn_step_find (onednn_chain *chain);
/* The step over COUNT elements. */
void onednn_step_do (float *const at[ONEDNN_STEP_PLACES], size_t count);

/* ---- greatest.c */

/* MaxPool, where its gradient is asked for as well. */
adze_status onednn_max_pool_noted (onednn_part *part);

/* ---- halves.c */

/* VALUE in LAYOUT, whatever type that has, as float32. */
adze_status onednn_get_floats (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                               size_t *slot);
/* Room for VALUE (ADZE_NONE: nobody wants it) in LAYOUT as float32; VALUE itself is made of what lies
 * there by rounding it, where it is of another type. */
adze_status onednn_make_floats (onednn_part *part, uint32_t value, const dnnl_memory_desc_t *layout,
                                size_t *slot);
adze_status onednn_round_floats (onednn_part *part, uint32_t value, size_t slot);
/* What a Relu gave or got, the slope behind it, and the result, in one layout. */
adze_status onednn_relu_grad_of_halves (onednn_part *part, const onednn_arg *args);

/* ---- pool_bytes.c */

/* Of four dimensions, the second one innermost. */
void onednn_channels_last (dnnl_memory_desc_t *layout, const adze_graph_value *value);

/* The greatest byte of each window, where that is quicker by ourselves: channels are last. *DONE: false
 * where it is not. */
adze_status onednn_pool_bytes (onednn_part *part, const onednn_window *window, bool *done);

/* ---- code.c */

/* Before a primitive is made, each of some hundred implementations is asked whether it can do the work. The
 * code of all of them would stay in memory, for one that is executed in the end: after this, what is needed
 * comes back from the file. */
void onednn_leave_code (void);

/* ---- share.c */

/* adze_parallel_for for loops that cannot fail and ask the host for nothing. */
void onednn_share (size_t count, size_t grain, adze_parallel_body body, void *argument);

/* ---- Operators. */

typedef struct onednn_operator {
  const char *domain, *op;
  adze_status (*emit) (onednn_part *part);
} onednn_operator;

adze_status onednn_mat_mul (onednn_part *part), onednn_gemm (onednn_part *part);
adze_status onednn_conv (onednn_part *part), onednn_conv_grad_input (onednn_part *part),
    onednn_conv_grad_weight (onednn_part *part);
adze_status onednn_pool (onednn_part *part), onednn_average_pool_grad (onednn_part *part),
    onednn_max_pool_grad (onednn_part *part);
adze_status onednn_unary (onednn_part *part), onednn_binary (onednn_part *part),
    onednn_relu_grad (onednn_part *part);
adze_status onednn_softmax (onednn_part *part), onednn_batch_norm (onednn_part *part),
    onednn_layer_norm (onednn_part *part);
adze_status onednn_reduce (onednn_part *part), onednn_sum_to (onednn_part *part);
/* Is NODE a sum over all dimensions but the second, which gives a row? */
bool onednn_is_sum_by_channel (const onednn_part *part, const adze_graph_node *node);
adze_status onednn_quantize (onednn_part *part), onednn_dequantize (onednn_part *part);
adze_status onednn_clip (onednn_part *part), onednn_cast (onednn_part *part);
adze_status onednn_conv_integer (onednn_part *part), onednn_q_linear_conv (onednn_part *part);
adze_status onednn_mat_mul_integer (onednn_part *part), onednn_q_linear_mat_mul (onednn_part *part);
adze_status onednn_concat (onednn_part *part), onednn_transpose (onednn_part *part),
    onednn_same_numbers (onednn_part *part);

#endif
