// What every page runs. Each module attaches its own listeners; none knows another except through DOM events.
import "./live.js";
import "./time.js";
import "./hash.js";
import "./dialog.js";
import "./decide.js";
import "./looking.js";
import "./inbox.js";
import "./bulk.js";
import "./keys.js";
import "./keep.js";
import "./presence.js";
import "./palette.js";
import "./badge.js";
import "./trouble.js";
