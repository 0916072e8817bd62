# SPDX-License-Identifier: GPL-3.0-or-later
# `make bench` prints tables and fails on no figure; BENCH="cel dns" chooses,
# BENCH_QUICK=1 only shows that each one runs. A bench is a script
# tests/bench/bench-NAME.sh; the programs that it drives are built before.
bench_programs = \
	tests/bench/agent-load \
	tests/bench/bench-cel \
	tests/bench/bench-kernel \
	tests/bench/bench-policy \
	tests/bench/dns-echo \
	tests/bench/dns-host \
	tests/bench/proxy-host \
	tests/bench/proxy-load \
	$(NULL)
bench_scripts = \
	tests/bench/bench-agent.sh \
	tests/bench/bench-cel.sh \
	tests/bench/bench-dns.sh \
	tests/bench/bench-kernel.sh \
	tests/bench/bench-policy.sh \
	tests/bench/bench-proxy.sh \
	tests/bench/bench-smuggling.sh \
	tests/bench/bench-system.sh \
	tests/bench/bench-workloads.sh \
	$(NULL)
EXTRA_PROGRAMS += $(bench_programs)
EXTRA_DIST += $(bench_scripts) tests/bench/common.sh tests/bench/bench-cel.mjs tests/bench/package.json

tests_bench_bench_cel_SOURCES = tests/bench/bench-cel.c
tests_bench_bench_cel_LDADD = lib/cel/libcel.a lib/common/libcommon.a $(GLIB_LIBS) $(PCRE2_LIBS) -lm

tests_bench_agent_load_SOURCES = tests/bench/agent-load.c
tests_bench_agent_load_LDADD = $(GLIB_LIBS)

tests_bench_dns_echo_SOURCES = tests/bench/dns-echo.c
tests_bench_dns_host_SOURCES = tests/bench/dns-host.c
tests_bench_dns_host_LDADD = $(src_outcalld_dns_test_dns_filter_LDADD)

tests_bench_proxy_host_SOURCES = tests/bench/proxy-host.c
tests_bench_proxy_host_LDADD = $(proxy_test_libs)
tests_bench_proxy_load_SOURCES = tests/bench/proxy-load.c
tests_bench_proxy_load_LDADD = lib/common/libcommon.a $(GLIB_LIBS)

bench: all $(bench_programs)
	@for script in $(bench_scripts); do \
	  name=`basename $$script .sh | sed 's/^bench-//'`; \
	  case " $(BENCH) " in "  "|*" $$name "*) ;; *) continue ;; esac; \
	  OUTCALL_SRCDIR='$(abs_top_srcdir)' OUTCALL_BUILDDIR='$(abs_top_builddir)' \
	  BENCH_QUICK='$(BENCH_QUICK)' sh '$(abs_top_srcdir)'/$$script || echo "bench $$name: left out"; \
	  echo; \
	done

tests_bench_bench_policy_SOURCES = tests/bench/bench-policy.c
tests_bench_bench_policy_LDADD = $(policy_test_libs)

# One bench by its name.
bench_targets = bench-agent bench-cel bench-dns bench-kernel bench-policy bench-proxy bench-smuggling \
	bench-system bench-workloads
$(bench_targets):
	name=$@; $(MAKE) bench BENCH=$${name#bench-}

clean-local: clean-bench
clean-bench:
	rm -rf tests/bench/npm tests/e2e/npm
.PHONY: $(bench_targets) clean-bench

tests_bench_bench_kernel_SOURCES = \
	src/outcalld/network/testbed.c \
	src/outcalld/network/testbed.h \
	tests/bench/bench-kernel.c \
	$(NULL)
tests_bench_bench_kernel_LDADD = $(oc_network_test_libs)
