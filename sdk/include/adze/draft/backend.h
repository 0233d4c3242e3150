/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/backend.h: the kind that computes. Tier: draft; the revision must match.
 *
 * A backend is shown a graph and claims what it can do: single nodes, or whole parts. Each part is
 * compiled once, for shapes that are known by then as far as they ever are, and executed many times.
 * What no backend claims runs on `ref`; the host counts that and says so.
 *
 * Its memory may be one that the processor cannot touch: then it brings .memory, and the host moves
 * numbers with it and nothing else. All values of its parts are there; the host copies those that
 * come from elsewhere or are needed elsewhere, and no others. A view's data is what allocate gave,
 * byte_offset where in it the value begins. Numbers of constants are in the processor's memory: a
 * program brings over what it needs of them when it is compiled. Such a backend gets no node of which
 * a size is not known before it runs.
 */
#ifndef ADZE_DRAFT_BACKEND_H
#define ADZE_DRAFT_BACKEND_H

#include <adze/draft/graph.h>
#include <adze/error.h>
#include <adze/parallel.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_BACKEND "backend"
#define ADZE_BACKEND_REVISION 1

/* For which numbers of threads the bytes of a result are the same. */
typedef enum adze_determinism {
  ADZE_SAME_FOR_ANY_THREADS = 1,
  ADZE_SAME_FOR_SAME_THREADS = 2,
  ADZE_SAME_NEVER = 3
} adze_determinism;

/* What a host tells its backends. */
#define ADZE_BACKEND_HOST "adze.backend-host/1"

typedef struct adze_backend_host_service {
  uint32_t struct_size;
  /* [callback] How many threads the run has, and a backend may use at one time, the one that calls it
   * among them. Libraries with threads of their own are to be held to it. */
  uint32_t (*threads) (const adze_host *host);
} adze_backend_host_service;

/* 1 in a host that says nothing. */
static inline uint32_t
adze_backend_threads (const adze_host *host)
{
  const adze_backend_host_service *service
      = (const adze_backend_host_service *)host->service (host, ADZE_BACKEND_HOST);
  return service ? service->threads (host) : 1;
}

/* The backend's own: a part that was compiled. */
typedef struct adze_program adze_program;

/* Memory of a device. Each call says what it refuses through adze.error. */
typedef struct adze_device_memory {
  uint32_t struct_size;
  int32_t device_type; /* of adze_view.device; not ADZE_DEVICE_CPU */
  /* Aligned as values need it; each value begins at a multiple of 64. */
  adze_status (*allocate) (const adze_host *host, void *self, uint64_t size, void **memory);
  void (*release) (const adze_host *host, void *self, void *memory);
  /* Between memory of the processor and of the device; done when it returns. */
  adze_status (*write) (const adze_host *host, void *self, void *memory, uint64_t offset,
                        const void *from, uint64_t size);
  adze_status (*read) (const adze_host *host, void *self, const void *memory, uint64_t offset,
                       void *into, uint64_t size);
} adze_device_memory;

typedef struct adze_backend {
  uint32_t struct_size;
  uint32_t determinism; /* adze_determinism */

  /* One of these for each run of the host's. SELF is the backend's own. NULL: no state, SELF is
   * NULL. */
  adze_status (*create) (const adze_host *host, const adze_params *params, void **self);
  void (*destroy) (const adze_host *host, void *self);

  /* What its numbers depend on beside the plugin itself: the library that was really loaded, its
   * build, the instruction set. Ended by a NUL within SIZE. NULL: nothing else. */
  adze_status (*identity) (const adze_host *host, void *self, char *text, size_t size);

  /* GRAPH is to be read only. PART_OF[N] is the part that node number N belongs to: 0, what is there already, leaves it to
   * others; any other number names a part. A part must not need what is made by others out of what
   * it makes; the host splits one that does. Shapes may have symbols in them: claim such a node
   * only if its program takes any size. */
  adze_status (*claim) (const adze_host *host, void *self, adze_graph *graph,
                        uint32_t *part_of);

  /* PART: the nodes of one part as a graph of its own, its inputs and outputs in the order in which
   * execute gets them; constants have data, weights are inputs. Valid until release. */
  adze_status (*compile) (const adze_host *host, void *self, adze_graph *part,
                          adze_program **program);
  void (*release) (const adze_host *host, void *self, adze_program *program);

  /* Bytes that an execution needs beside inputs and outputs; the host hands them over, aligned to
   * 64, content undefined; with .memory, as allocate gave them. NULL: none. */
  uint64_t (*scratch) (const adze_host *host, void *self, const adze_program *program);

  /* Compact views; nothing overlaps, but what may_replace allows. Outputs have the shapes that the host inferred, so that a
   * program with symbols reads sizes from them. May use adze.parallel, at most the threads that
   * it is given there. */
  adze_status (*execute) (const adze_host *host, void *self, adze_program *program,
                          const adze_view *const *inputs, adze_view *const *outputs,
                          void *scratch);

  /* NULL: it computes in the memory of the processor. */
  const adze_device_memory *memory;

  /* May execute be given one place for output number OUTPUT and input number INPUT, which are of one size:
   * is each element of that input read for the last time before the output's element is written there? Whoever
   * trains has new weights written over the old ones then, and a step touches half of the memory.
   * NULL: never. */
  bool (*may_replace) (const adze_host *host, void *self, const adze_program *program, uint32_t output,
                       uint32_t input);
} adze_backend;

ADZE_END_DECLS

#endif
