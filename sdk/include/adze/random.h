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

/* One block of Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel
 * random numbers: as easy as 1, 2, 3", 2011): what the values of all streams are made of. */
static inline void
adze_random_block (const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t left = (uint64_t)UINT32_C (0xd2511f53) * c0;
    uint64_t right = (uint64_t)UINT32_C (0xcd9e8d57) * c2;
    c0 = (uint32_t)(right >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)right;
    c2 = (uint32_t)(left >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)left;
    k0 += UINT32_C (0x9e3779b9);
    k1 += UINT32_C (0xbb67ae85);
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/* Uniform in [0, 1): the 53 upper bits. */
static inline double
adze_random_unit (uint64_t bits)
{
  return (double)(bits >> 11) * (1.0 / 9007199254740992.0);
}

ADZE_END_DECLS

#endif
