// What every page runs: each module finds what it is for on the page, and leaves the page alone where there is none.
// Types are checked by tests/pages/test_scripts.py.

import { offerCopies } from "./copy.js";
import { keepUpToDate } from "./live.js";
import { listenForSearch } from "./search.js";
import { showViewersZone } from "./times.js";
import { tellOfNavigation } from "./waiting.js";
import { makeTimelineZoomable } from "./zoom.js";

keepUpToDate();
showViewersZone();
listenForSearch();
makeTimelineZoomable();
offerCopies();
tellOfNavigation();
