/* SPDX-License-Identifier: Apache-2.0 */
/* own-names.h: columns of tables and regression are those of causal-estimate, compiled into this plugin once more; a
 * static build links both, and their functions have names of their own here. The compiler is told to read it first. */
#ifndef CAUSAL_MODEL_OWN_NAMES_H
#define CAUSAL_MODEL_OWN_NAMES_H

#define est_data_close scm_data_close
#define est_data_need scm_data_need
#define est_data_open scm_data_open
#define est_fit_linear scm_fit_linear
#define est_fit_logistic scm_fit_logistic

#endif
