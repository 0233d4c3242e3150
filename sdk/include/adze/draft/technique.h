/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/technique.h: the kind that turns artifacts into artifacts. Tier: draft; the revision
 * must match.
 *
 * Most techniques work on tensors. Their life:
 *   1. create      parameters are checked and complete
 *   2. describe    from names, types and shapes alone: what will become of each tensor?
 *   3. observe     optional, for what must have seen all the data: pieces are summed up in
 *      merge       accumulators, the accumulators in one, and decide looks at that
 *      decide
 *   4. describe    once more when there was a decide: now it is final
 *   5. apply       once a piece of each tensor
 *   6. destroy     also after a failure; not after a failed create
 * Where one callback is all that is needed, the others stay NULL: a technique with nothing but an
 * apply gets every tensor whole and gives one like it.
 *
 * A technique that needs the whole artifact at once (training, search) has run in the place of
 * steps 2 to 5: adze/draft/run.h.
 *
 * Instances are not the place for results: pieces may be applied by several processes, each with an
 * instance of its own that was given the same accumulator to decide on. What is to be known
 * afterwards is told by adze/draft/decision.h.
 */
#ifndef ADZE_DRAFT_TECHNIQUE_H
#define ADZE_DRAFT_TECHNIQUE_H

#include <adze/draft/model.h>
#include <adze/draft/run.h>
#include <adze/error.h>
#include <adze/plugin.h>
#include <adze/tensor.h>

ADZE_BEGIN_DECLS

#define ADZE_TECHNIQUE "technique"
#define ADZE_TECHNIQUE_REVISION 2

/* What a technique claims to do. A run fails when one that changes has changed nothing, or when
 * one that inspects has given an output. */
typedef enum adze_effect {
  ADZE_CHANGES = 1,
  ADZE_INSPECTS = 2
} adze_effect;

typedef enum adze_port_direction {
  ADZE_PORT_IN = 1,
  ADZE_PORT_OUT = 2
} adze_port_direction;

/* What flows in and out: artifacts of an open type ("model", "dataset", "table" ...). */
typedef struct adze_port {
  const char *name; /* NULL ends the table */
  const char *type;
  uint32_t direction; /* adze_port_direction */
  uint32_t required;  /* 0 or 1 */
  const char *help;
} adze_port;

#define ADZE_PORT_MAX 64

/* How much of a tensor one call of observe or apply needs to see. The smaller the better: memory
 * then does not depend on the size of the tensors. Host and technique must agree on the same bytes
 * however it is cut. */
typedef enum adze_grain {
  ADZE_GRAIN_TENSOR = 0,  /* all of it; the view has its shape */
  ADZE_GRAIN_ROW = 1,     /* some whole rows; the view is [rows, last dimension] */
  ADZE_GRAIN_ELEMENT = 2  /* some elements, one after the other; the view is [count] */
} adze_grain;

/* ---- describe: what is there, and what will become of it. */

typedef struct adze_outline adze_outline;

#define ADZE_OUTLINE "adze.outline/1"

/* A tensor of an input: which port (number among the component's model inputs, in the order of the
 * table), and which of the port's tensors. */
typedef struct adze_pick {
  uint32_t port;
  uint32_t index;
} adze_pick;

/* These tensors become those. Tensors that no group takes pass through as they are when they are
 * of port 0; those of other ports do not. */
typedef struct adze_group {
  uint32_t struct_size;
  uint32_t input_count;
  const adze_pick *inputs;
  const adze_tensor_meta *outputs; /* meta_size bytes apart */
  uint32_t output_count; /* 0: they are dropped, and apply does not see them; for one that inspects
                            0 as well, and observe and apply do see them */
  uint32_t meta_size;    /* sizeof (adze_tensor_meta) */
  /* The bytes stay as they are (a new name, another shape of as many elements): one input, one
   * output, and neither observe nor apply sees it. */
  uint32_t same_bytes;
  /* A bound, not a promise: the final outputs will be these or smaller ones, by name. Before decide
   * only; without it the final outputs must be these. */
  uint32_t at_most;
  /* For `adze plan`, a few words: "f32 -> f16". NULL: none. */
  const char *note;
  /* Whatever the technique's grain, this group's pieces are some whole rows, which the first ROW_RANK dimensions of
   * each tensor count: they must be the same in all. The others together are a row, of any length, and views are
   * [rows, row]. 0: the technique's grain. */
  uint32_t row_rank;
  /* With ROW_RANK, 1: observe sees all of a tensor all the same, and apply alone sees rows. */
  uint32_t observes_whole;
  /* With ROW_RANK: outputs that do not go by rows, as bits (2 is the second output's; the first always goes by
   * rows). They are one for all and are written in the call that has the first rows; in others they have no
   * elements, and need not be asked for. */
  uint64_t once;
  /* Bytes that a call of observe or apply takes for this group beside what it is shown and gives, at the most: a plan
   * counts them for each thread. What does not grow with tensors need not be said. */
  uint64_t scratch;
} adze_group;

typedef struct adze_outline_service {
  uint32_t struct_size;

  /* [callback] Model inputs that are bound, and the tensors of one that the technique is asked to
   * work on: those that a rule skips are not among them. */
  uint32_t (*ports) (const adze_host *host, const adze_outline *outline);
  uint32_t (*count) (const adze_host *host, const adze_outline *outline, uint32_t port);
  /* [callback] Valid until describe returns. */
  const adze_tensor_meta *(*tensor) (const adze_host *host, const adze_outline *outline,
                                     adze_pick pick);
  /* [callback] The parameters as the rules of the stage leave them for this tensor. */
  const adze_params *(*params) (const adze_host *host, const adze_outline *outline,
                                adze_pick pick);
  /* [callback] A trait that the tensor has (adze/draft/traits.h), as JSON; NULL: it has it not. */
  const char *(*trait) (const adze_host *host, const adze_outline *outline, adze_pick pick,
                        const char *id);
  /* [callback] Is this what will be done? Once decide has settled, or where there is nothing to
   * observe. */
  bool (*is_final) (const adze_host *host, const adze_outline *outline);

  /* [callback] One group. A tensor is in one group at most. What cannot be done is refused by
   * returning adze_fail from describe: before any weight is read. */
  adze_status (*group) (const adze_host *host, adze_outline *outline, const adze_group *group);

  /* [callback] Sets a named value of the model that goes out; VALUE NULL removes it. */
  adze_status (*metadata) (const adze_host *host, adze_outline *outline, adze_text key,
                           const adze_meta *value);
  /* [callback] Gives the output of this NAME a trait, or takes it away (JSON NULL). */
  adze_status (*set_trait) (const adze_host *host, adze_outline *outline, const char *name,
                            const char *id, const char *json);

  /* [callback] The network of port 0's model, to be edited by adze.graph/1 into that of the model that goes
   * out: the same one for each call, and a new one for each describe. Its weights must be tensors of that model
   * in the end. *GRAPH stays NULL where the model has no network. Tensors of a network that changes type or
   * shape without its nodes being told are refused when it is written. */
  adze_status (*network) (const adze_host *host, adze_outline *outline, adze_graph **graph);

  /* [callback] A named value of port 0's model: a number, a text of at most 4096 bytes, or an array of at most
   * 4096 numbers. NULL: it has none of that name, or a larger one. Valid until describe returns. */
  const adze_meta *(*value) (const adze_host *host, const adze_outline *outline, const char *key);
} adze_outline_service;

/* ---- observe and apply: one piece. */

/* One call, as the host sees it. Owned by the host, valid during the callback. */
typedef struct adze_call adze_call;

#define ADZE_CALL "adze.call/1"

/* Where in the tensors of its group a piece lies. */
typedef struct adze_place {
  uint64_t first; /* element of the whole that the piece begins with */
  uint64_t count; /* elements of the piece */
  const adze_tensor_meta *whole; /* of the group's first input */
} adze_place;

typedef struct adze_call_service {
  uint32_t struct_size;

  /* [callback] In apply: room for output number 0 of the group, of this type and shape: those of
   * the same piece of what describe announced, or the call is refused and the run fails. *OUT is
   * filled in; its data belongs to the host, never overlaps an input's, is writable until apply
   * returns, and holds nothing in particular: all of it must be written. A second request for it in
   * one call is refused. */
  adze_status (*output) (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
                         const int64_t *shape, adze_view *out);

  /* [callback] The same for any output of the group, by number, as describe announced it. */
  adze_status (*output_at) (const adze_host *host, adze_call *call, size_t index,
                            adze_view *out);

  /* [callback] The inputs of the group, in the order of describe: the same piece of each. Input 0
   * is the callback's argument. NULL beyond the last. Read only. */
  const adze_tensor *(*input) (const adze_host *host, adze_call *call, size_t index);

  /* [callback] */
  void (*place) (const adze_host *host, const adze_call *call, adze_place *place);
  /* [callback] The parameters as the rules of the stage leave them for this tensor. */
  const adze_params *(*params) (const adze_host *host, const adze_call *call);
} adze_call_service;

/* ---- decide. */

typedef enum adze_accumulate {
  ADZE_OVER_STAGE = 0, /* one accumulator for all tensors: a global threshold */
  ADZE_OVER_GROUP = 1  /* one for each group of describe: a scale a tensor */
} adze_accumulate;

typedef struct adze_technique {
  uint32_t struct_size;
  uint32_t effect;        /* adze_effect */
  const adze_port *ports; /* ended by a NULL name. NULL: `model` in; one that changes also gives
                             `model` */
  uint32_t port_size;     /* sizeof (adze_port) */
  uint32_t grain;         /* adze_grain, of observe and apply */
  uint32_t accumulate;    /* adze_accumulate */
  uint32_t reserved;
  /* Traits whose tensors stay what they claim to be, ended by NULL: "adze.sparsity/1". The host
   * verifies it. NULL: none is claimed; what still holds in the end is kept all the same, and what
   * does not hold fails the run unless .breaks has it. Of tensors of another shape not all can be
   * claimed: adze/draft/traits.h. */
  const char *const *preserves;
  const char *const *breaks;

  /* *INSTANCE becomes the first argument of the others. NULL: the technique has no state, and
   * INSTANCE is NULL. PARAMS outlive the instance. */
  adze_status (*create) (const adze_host *host, const adze_params *params, void **instance);
  void (*destroy) (const adze_host *host, void *instance);

  /* NULL: each tensor is a group of its own and gives one of the same name, type and shape. Called
   * once or more before the first observe, and once more after the last decide. */
  adze_status (*describe) (const adze_host *host, void *instance, adze_outline *outline);

  /* The size of an accumulator; zeros are the empty one. It is plain bytes without pointers, since
   * it goes to files and other processes. Asked after describe; 0: what was described needs nothing to be
   * observed. NULL: there is never anything to observe, and the three below are not called. */
  size_t (*accumulator) (const adze_host *host, void *instance);
  /* Sums INPUT up in ACCUMULATOR. On several threads at once where .threading allows it, each
   * with an accumulator of its own. */
  adze_status (*observe) (const adze_host *host, void *instance, adze_call *call,
                          const adze_tensor *input, void *accumulator);
  /* Adds RIGHT, which stands for later pieces, to LEFT. Merged in one fixed tree. */
  adze_status (*merge) (const adze_host *host, void *instance, void *left, const void *right);
  /* Looks at what was summed up, and keeps in the instance what describe and apply need: it must
   * depend on what describe was shown, parameters and accumulators alone. ADZE_OVER_STAGE: called
   * once, CALL being NULL. ADZE_OVER_GROUP: called once for each group that was observed, in order,
   * CALL having its metas and parameters and no data; and then once with CALL and ACCUMULATOR NULL.
   * *AGAIN: all is to be observed once more, with empty accumulators, before it is settled; what was
   * kept says what to look for. Initially false. */
  adze_status (*decide) (const adze_host *host, void *instance, adze_call *call,
                         const void *accumulator, bool *again);

  /* Mandatory unless there is a run, or an observe and nothing to change. One that changes asks for
   * the outputs of the group and fills them; one that asks for none leaves the piece as it is,
   * which is possible where input and output are of the same type and size. INPUT is read only. */
  adze_status (*apply) (const adze_host *host, void *instance, adze_call *call,
                        const adze_tensor *input);

  /* adze/draft/run.h. In the place of describe, observe, decide and apply. */
  adze_status (*run) (const adze_host *host, void *instance, adze_context *context);

  /* 1: run may be rehearsed, before a run or without one, so that a plan can tell how much memory it
   * takes and what is wrong with it. adze.run/1 then works as ever, but nothing is kept, given or
   * told, and no checkpoint is found; run of adze.train/1 and execute of adze.eval/1 get ready all
   * that they need and return ADZE_E_CANCELLED, as progress asks for elsewhere. The instance must
   * be none the wiser. */
  uint32_t rehearses;
  uint32_t reserved_end;

  /* 1: the model that run gives has the network, and the tensors, of the one that came in at port 0, and other
   * numbers alone. So a plan can rehearse what stands behind a stage that ended with ADZE_E_CANCELLED. */
  uint32_t keeps_network;
  uint32_t reserved_keeps;

  /* adze/draft/jobs.h. One job, asked for by run, in a process of its own: REQUEST is what run has sent, and its
   * answer goes through adze.jobs/1. */
  adze_status (*job) (const adze_host *host, void *instance, adze_context *context, const void *request,
                      size_t size);

  /* Traits that are kept where a parameter asks for it, and those parameters, in pairs ended by NULL:
   * { "adze.sparsity/1", "keep-zeros", NULL }. Such a parameter is a list of patterns of tensors' names, or true, and
   * its preset keeps nothing. A plan warns of tensors that have the trait and are not named, and a run that fails since
   * the trait was broken says which parameter keeps it. For run; NULL: there are none. */
  const char *const *keeps;
} adze_technique;

/* A host that calls describe has the one, and one that calls apply the other; hosts of the
 * conformance kit that lack everything have neither. */
static inline const adze_outline_service *
adze_outline_of (const adze_host *host)
{
  return (const adze_outline_service *)host->service (host, ADZE_OUTLINE);
}

static inline const adze_call_service *
adze_call_of (const adze_host *host)
{
  return (const adze_call_service *)host->service (host, ADZE_CALL);
}

static inline adze_status
adze_call_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
                  const int64_t *shape, adze_view *out)
{
  const adze_call_service *service = adze_call_of (host);
  if (!service)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "this host has no %s", ADZE_CALL);
  return service->output (host, call, dtype, rank, shape, out);
}

/* An output of the same type and shape as the input: what most techniques want. */
static inline adze_status
adze_call_output_like (const adze_host *host, adze_call *call, const adze_tensor *input,
                       adze_view *out)
{
  return adze_call_output (host, call, input->view.dtype, input->view.rank, input->view.shape,
                           out);
}

static inline const adze_params *
adze_call_params (const adze_host *host, const adze_call *call)
{
  return adze_call_of (host)->params (host, call);
}

/* One tensor becomes one of the same name and shape with another element type. */
static inline adze_status
adze_outline_retype (const adze_host *host, adze_outline *outline, adze_pick pick,
                     adze_dtype dtype, const char *note)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_tensor_meta meta = *service->tensor (host, outline, pick);
  meta.struct_size = sizeof meta;
  meta.dtype = dtype;
  meta.codec = NULL;
  meta.block_elements = 0;
  meta.block_bytes = 0;
  meta.byte_size = 0;
  adze_group group = { sizeof group, 1, &pick, &meta, 1, sizeof meta, 0, 0, note, 0, 0, 0, 0 };
  return service->group (host, outline, &group);
}

/* One tensor becomes one like it. */
static inline adze_status
adze_outline_like (const adze_host *host, adze_outline *outline, adze_pick pick, const char *note)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_group group
      = { sizeof group, 1, &pick, service->tensor (host, outline, pick), 1,
          sizeof (adze_tensor_meta), 0, 0, note, 0, 0, 0, 0 };
  return service->group (host, outline, &group);
}

/* One that inspects wants to see this tensor. */
static inline adze_status
adze_outline_look (const adze_host *host, adze_outline *outline, adze_pick pick)
{
  adze_group group
      = { sizeof group, 1, &pick, NULL, 0, sizeof (adze_tensor_meta), 0, 0, NULL, 0, 0, 0, 0 };
  return adze_outline_of (host)->group (host, outline, &group);
}

ADZE_END_DECLS

#endif
