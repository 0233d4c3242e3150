/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/foreign.h: functions of libraries that have never heard of us.
 *
 * A manifest with a [foreign] table names a library and, for each function, which contract of
 * adze/kernel.h it fulfils, or which technique it becomes, and how our arguments become its own.
 * ffi_call only; the call interface is built once, at bind; a signature equal to the contract's
 * is called directly. What the manifest claims is tested with its own vectors, in a worker,
 * before the first real use.
 */
#ifndef ADZE_PLUGIN_FOREIGN_H
#define ADZE_PLUGIN_FOREIGN_H

#include <adze/draft/technique.h>
#include <adze/kernel.h>

#include "plugin/manifest/manifest.h"
#include "plugin/refusal.h"

typedef struct adze_foreign adze_foreign; /* a library, bound */

/* Is the [foreign] table sound, and do its vectors show enough? Needs no library. The complaint is
 * a refusal of step manifest. docs/foreign.md has every key. */
ADZE_MUST_CHECK adze_error *adze_foreign_check (const adze_document *document,
                                                const adze_value *foreign,
                                                const adze_manifest *manifest);

/* Opens the library, checks its version, finds the symbols, builds the call interfaces. PATH is
 * the manifest's, and MANIFEST must outlive FOREIGN. What was opened stays in the process. */
ADZE_MUST_CHECK adze_error *adze_foreign_bind (const adze_manifest *manifest, const char *path,
                                               adze_foreign **foreign);
void adze_foreign_free (adze_foreign *foreign);

/* The file that was really loaded: with its identity the key under which a self-test's verdict is
 * kept. */
const char *adze_foreign_library_path (const adze_foreign *foreign);

/* Runs every vector. To be called in a worker: a wrong claim may crash. */
ADZE_MUST_CHECK adze_error *adze_foreign_self_test (adze_foreign *foreign);

/* A kernel by contract, valid as long as FOREIGN; ADZE_E_NOT_FOUND when the library binds none. */
typedef struct adze_kernel adze_kernel;
ADZE_MUST_CHECK adze_error *adze_foreign_kernel (adze_foreign *foreign, const char *contract,
                                                 const adze_kernel **kernel);
bool adze_kernel_direct (const adze_kernel *kernel);

/* The contract, through the binding. Fails when an argument does not fit the library's type (a
 * size above 2^31 - 1 for an int). */
ADZE_MUST_CHECK adze_error *adze_kernel_gemm (const adze_kernel *kernel, int32_t transpose_a,
                                              int32_t transpose_b, int64_t m, int64_t n,
                                              int64_t k, float alpha, const float *a, int64_t lda,
                                              const float *b, int64_t ldb, float beta, float *c,
                                              int64_t ldc);

/* The callbacks behind every foreign technique. They find the function through
 * adze_desk_own (adze_desk_of (host)), which is an adze_foreign_technique. */
typedef struct adze_foreign_technique adze_foreign_technique;
extern const adze_technique adze_foreign_callbacks;
ADZE_MUST_CHECK adze_error *adze_foreign_technique_find (adze_foreign *foreign,
                                                         const char *component,
                                                         const adze_foreign_technique **technique);

#endif
