#!/usr/bin/env python3
# Counts what a ctest run did: count_tests.py BUILD_DIR prints "PASSED FAILED SKIPPED".
# SPDX-License-Identifier: Apache-2.0
"""Reads BUILD_DIR/results/ctest.xml (ctest --output-junit) and, for each GoogleTest program, the
cases in BUILD_DIR/results/gtest/NAME.xml. A program that ended badly counts at least one failure,
whatever its cases say; so does a test that did not run. Skipped cases, and lines of scripts that
begin with SKIPPED, are named on standard error.
"""

import sys
import xml.etree.ElementTree as xml
from pathlib import Path


def count_cases(report):
    """(passed, failed, names of skipped) of one GoogleTest program."""
    passed, failed, skipped = 0, 0, []
    for case in xml.parse(report).getroot().iter('testcase'):
        if case.find('failure') is not None:
            failed += 1
        elif case.find('skipped') is not None or case.get('status') == 'notrun':
            skipped.append(f'{case.get("classname")}.{case.get("name")}')
        else:
            passed += 1
    return passed, failed, skipped


def main():
    results = Path(sys.argv[1], 'results')
    totals, skipped = [0, 0], []
    for test in xml.parse(results / 'ctest.xml').getroot().iter('testcase'):
        ok = test.get('status') == 'run'
        report = results / 'gtest' / f'{test.get("name")}.xml'
        if report.exists():
            passed, failed, names = count_cases(report)
            failed = max(failed, 0 if ok else 1)
            skipped += names
        else:
            passed, failed = (1, 0) if ok else (0, 1)
            output = test.findtext('system-out') or ''
            skipped += [f'{test.get("name")}: {line}' for line in output.splitlines()
                        if line.startswith('SKIPPED')]
        totals[0] += passed
        totals[1] += failed
    for name in skipped:
        print(f'  skipped: {name}', file=sys.stderr)
    print(*totals, len(skipped))


if __name__ == '__main__':
    main()
