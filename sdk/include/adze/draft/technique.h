/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/technique.h: the kind that changes models. Tier: draft; the revision must match.
 *
 * For now a technique sees one tensor at a time. The order of calls:
 *   1. create: parameters are checked and complete
 *   2. apply, once a tensor; on several threads at once where .threading allows it
 *   3. destroy, also after a failed apply; not after a failed create
 */
#ifndef ADZE_DRAFT_TECHNIQUE_H
#define ADZE_DRAFT_TECHNIQUE_H

#include <adze/error.h>
#include <adze/plugin.h>
#include <adze/tensor.h>

ADZE_BEGIN_DECLS

#define ADZE_TECHNIQUE "technique"
#define ADZE_TECHNIQUE_REVISION 1

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

/* One apply, as the host sees it. Owned by the host, valid during the callback. */
typedef struct adze_call adze_call;

#define ADZE_CALL "adze.call/1"

typedef struct adze_call_service {
  uint32_t struct_size;

  /* [callback] Memory for the one tensor that this call gives: plain, compact elements, zeroed.
   * *OUT is filled in; its data belongs to the host and is writable until apply returns. A second
   * request in one call is refused. */
  adze_status (*output) (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
                         const int64_t *shape, adze_view *out);
} adze_call_service;

typedef struct adze_technique {
  uint32_t struct_size;
  uint32_t effect;        /* adze_effect */
  const adze_port *ports; /* ended by a NULL name. NULL: `model` in; one that changes also gives
                             `model` */
  uint32_t port_size;     /* sizeof (adze_port) */
  uint32_t reserved;

  /* *INSTANCE becomes the first argument of the others. NULL: the technique has no state, and
   * INSTANCE is NULL. PARAMS outlive the instance. */
  adze_status (*create) (const adze_host *host, const adze_params *params, void **instance);
  void (*destroy) (const adze_host *host, void *instance);

  /* Mandatory. A technique that changes asks for an output and fills it; one that asks for none
   * leaves the tensor as it is. INPUT is read only. */
  adze_status (*apply) (const adze_host *host, void *instance, adze_call *call,
                        const adze_tensor *input);
} adze_technique;

static inline adze_status
adze_call_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
                  const int64_t *shape, adze_view *out)
{
  const adze_call_service *service = (const adze_call_service *)host->service (host, ADZE_CALL);
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

ADZE_END_DECLS

#endif
