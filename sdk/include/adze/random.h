/* SPDX-License-Identifier: Apache-2.0 */
/* adze/random.h: random numbers that are the same tomorrow. Tier: stable.
 *
 * There is no generator with a state. A value is a pure function of the run's seed, the component's
 * place in the run, the name of a stream and an index, so the result does not depend on how many
 * threads asked, or in which order. Name a stream after what it is for: the tensor, the epoch.
 */
#ifndef ADZE_RANDOM_H
#define ADZE_RANDOM_H

#include <adze/host_table.h>

ADZE_BEGIN_DECLS

#define ADZE_RANDOM "adze.random/1"

typedef struct adze_random_service {
  uint32_t struct_size;

  /* [callback] out[i] = value number first + i of the stream: 64 uniform bits each. */
  void (*fill) (const adze_host *host, const char *stream, uint64_t first, uint64_t *out,
                size_t count);
} adze_random_service;

/* False, and OUT untouched, in a host without the service: there is no honest default. */
static inline bool
adze_random_fill (const adze_host *host, const char *stream, uint64_t first, uint64_t *out,
                  size_t count)
{
  const adze_random_service *service
      = (const adze_random_service *)host->service (host, ADZE_RANDOM);
  if (!service)
    return false;
  service->fill (host, stream, first, out, count);
  return true;
}

/* Uniform in [0, 1): the 53 upper bits. */
static inline double
adze_random_unit (uint64_t bits)
{
  return (double)(bits >> 11) * (1.0 / 9007199254740992.0);
}

ADZE_END_DECLS

#endif
