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

#include <adze/draft/backend.h>
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
/* That one is number 0; the others are of libraries that it only leads to. NULL behind the last. */
const char *adze_foreign_library_at (const adze_foreign *foreign, size_t index);

/* Runs every vector. To be called in a worker: a wrong claim may crash. */
ADZE_MUST_CHECK adze_error *adze_foreign_self_test (adze_foreign *foreign);

/* A kernel by contract, valid as long as FOREIGN; ADZE_E_NOT_FOUND when the library binds none. */
typedef struct adze_kernel adze_kernel;
ADZE_MUST_CHECK adze_error *adze_foreign_kernel (adze_foreign *foreign, const char *contract,
                                                 const adze_kernel **kernel);
bool adze_kernel_direct (const adze_kernel *kernel);

/* The contracts, through the binding; adze/kernel.h says what they mean. Elements are what the
 * kernel's contract says. Fails when an argument does not fit the library's type (a size above
 * 2^31 - 1 for an int). */
ADZE_MUST_CHECK adze_error *adze_kernel_gemm (const adze_kernel *kernel, int32_t transpose_a,
                                              int32_t transpose_b, int64_t m, int64_t n,
                                              int64_t k, double alpha, const void *a, int64_t lda,
                                              const void *b, int64_t ldb, double beta, void *c,
                                              int64_t ldc);
ADZE_MUST_CHECK adze_error *adze_kernel_gemv (const adze_kernel *kernel, int32_t transpose_a,
                                              int64_t m, int64_t n, double alpha, const void *a,
                                              int64_t lda, const void *x, int64_t incx,
                                              double beta, void *y, int64_t incy);
ADZE_MUST_CHECK adze_error *adze_kernel_axpy (const adze_kernel *kernel, int64_t n, double alpha,
                                              const void *x, int64_t incx, void *y, int64_t incy);
ADZE_MUST_CHECK adze_error *adze_kernel_dot (const adze_kernel *kernel, int64_t n, const void *x,
                                             int64_t incx, const void *y, int64_t incy,
                                             double *result);
/* Finds its own room for WORK and WHOLES. A is overwritten. */
ADZE_MUST_CHECK adze_error *adze_kernel_svd (const adze_kernel *kernel, int64_t m, int64_t n,
                                             void *a, int64_t lda, void *s, void *u, int64_t ldu,
                                             void *v, int64_t ldv);

/* ---- What a library says of itself, where the manifest says how to ask. */

/* "OpenBLAS 0.3.21 ..."; NULL: there is nobody to ask. */
const char *adze_foreign_configuration (const adze_foreign *foreign);
/* Tells it to use COUNT threads, unless it does. *ACTUAL is what it uses then; 0: it cannot be
 * told, and that is no error. */
ADZE_MUST_CHECK adze_error *adze_foreign_use_threads (const adze_foreign *foreign, unsigned count,
                                                      int64_t *actual);

/* ---- Components. */

/* The callbacks behind every foreign technique. They find the function through
 * adze_desk_own (adze_desk_of (host)), which is an adze_foreign_technique. */
typedef struct adze_foreign_technique adze_foreign_technique;
extern const adze_technique adze_foreign_callbacks;
ADZE_MUST_CHECK adze_error *adze_foreign_technique_find (adze_foreign *foreign,
                                                         const char *component,
                                                         const adze_foreign_technique **technique);

/* The same for a backend, which computes products of matrices by the kernels of its manifest and
 * leaves everything else to others: an adze_foreign_backend. */
typedef struct adze_foreign_backend adze_foreign_backend;
extern const adze_backend adze_foreign_backend_callbacks;
ADZE_MUST_CHECK adze_error *adze_foreign_backend_find (adze_foreign *foreign,
                                                       const char *component,
                                                       const adze_foreign_backend **backend);

#endif
