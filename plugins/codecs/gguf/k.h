/* SPDX-License-Identifier: Apache-2.0 */
/* k.h: what k.c and k_decode.c share. */
#ifndef GGUF_K_H
#define GGUF_K_H

#include <stdint.h>

void gguf_decode_q2_k (const void *blocks, uint64_t count, float *values);
void gguf_decode_q3_k (const void *blocks, uint64_t count, float *values);
void gguf_decode_q4_k (const void *blocks, uint64_t count, float *values);
void gguf_decode_q5_k (const void *blocks, uint64_t count, float *values);
void gguf_decode_q6_k (const void *blocks, uint64_t count, float *values);

#endif
