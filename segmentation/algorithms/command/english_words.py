"""English words that the grammar of commands knows; written for this project."""

from __future__ import annotations

from segmentation.algorithms.command.words import phrases
from segmentation.algorithms.wordlist import words

# Base forms that hardly ever are nouns.
VERBS = words(
    "accept achieve activate add adjust advise allow analyse analyze announce answer append apply appoint approve "
    "archive arrange ask assemble assign attach authenticate avoid bake beep begin bind boil breathe bring build "
    "buy calculate calibrate cancel capture carry categorise categorize celebrate charge choose clarify classify "
    "clear close collect combine compare compile complete compress compute configure confirm connect consult "
    "continue convert count create crop cut deactivate decide decline decrease decrypt defrost delete deliver "
    "deny deploy describe detach detect determine develop dice dim disable discard disconnect discuss display "
    "divide do download drain dust eat edit email empty enable encode encrypt ensure enter erase establish "
    "estimate evaluate examine execute exit explain export extend extract fasten feed fetch fill find fix flip "
    "fold follow forget forward fry gather generate get give go grab grease grill grow guide hang hear heat hide "
    "identify ignore import improve include increase inform initialise initialize insert inspect install invite "
    "invoke iron iterate join keep knead launch lay learn leave let listen load locate lock log look loosen lower "
    "maintain make mash measure melt mention merge migrate minimise minimize mix modify mount move multiply mute "
    "navigate notify obtain offer open organise organize overwrite pack paste pause pay peel perform pick plot "
    "plug pour prepare prevent proceed provide publish pull purchase put quit raise reach read reboot rebuild "
    "receive recommend reconnect redial redo reduce refill reformat refresh register reheat reload remember "
    "remind remove rename render renew reopen repair repeat replace replay reply require reschedule reserve reset "
    "resize resolve respond restart restore resume retrieve retry return revert review rewind rewrite rinse roast "
    "rotate run save say scan schedule screenshot scroll see select sell send serve set share shelve show shut "
    "sign silence simmer sit skip slice snooze soak solve sort speak spell split sprinkle squeeze start stir stop "
    "store submit subscribe subtract suggest summarise summarize suspend sweep swipe switch synchronise "
    "synchronize tag take talk tell terminate thank throw tidy tighten toggle transcribe transfer translate "
    "transmit trim turn undo unlock unmute unpack unplug unsubscribe untie unwrap update upgrade upload vacuum "
    "validate verify visit wait wake walk wash wear whisk wipe withdraw wrap write zip zoom"
)
# Base forms that are as often nouns or adjectives: what follows decides.
AMBIGUOUS = words(
    "access address alarm alert back balance bill block book bookmark border box brush call cash cause change "
    "chart chat check chop clean click clone comment contact cool copy cost cover cream credit cycle date debate "
    "delay design dial document draft drag draw dress drink drive drop dry echo end escape exchange file film "
    "filter finish flag flash flood focus freeze function group guess hand handle head help hold hook hunt index "
    "invoice issue judge jump label land light like limit line link list live mail map mark match mate mean meet "
    "message mind mirror model monitor name note number order outline own page paint park part patch phone photo "
    "picture pin place plan plant play point polish pop post power praise present press preview price print "
    "process program project promise push query question queue quote rank rate record remark rent report repost "
    "request research rest ring roll rule salt sample scale score screen search season separate shape ship shop "
    "shuffle sketch sleep smoke snap sound stamp star state stay step stream study supply support table tape "
    "taste taxi test text time tip touch tour track trade train travel trigger trust tune tweet type use value "
    "view volume warm warn watch water weigh welcome whistle win wish work"
)
# They stand alone: "go home and rest".
INTRANSITIVE = words(
    "begin breathe continue exit go hang leave listen log pause proceed quit reboot redial refresh relax reload "
    "repeat rest restart retry return save sit sleep smile start stop wait"
)
PARTICLES = words("up down off on out in back away over through around")
# After an ambiguous word these make it a verb.
OBJECT_START = PARTICLES | words(
    "the a an my your his her its our their this that these those some all any every each me us him them it both "
    "another more one two three four five six seven eight nine ten twelve to for at with from into onto everything "
    "everyone nothing how what whether if new old about"
)
QUESTIONS = words("what who whose whom where when which why how what's who's where's how's when's")
AUXILIARIES = words("is are was were do does did can could will would should shall may has have am")
SUBJECTS = words(
    "i you he she it we they there the a an my your his her our their this that these those any anyone somebody "
    "someone anybody nobody"
)
SUBJECT_PRONOUNS = words("i you he she it we they there nobody somebody someone anyone everybody everyone")
FINITE = words(
    "am is are was were has have had does did can will would must may might isn't aren't wasn't hasn't haven't "
    "won't doesn't didn't comes goes i'm it's you've i've there's we're they're he's she's i'll you'll"
)
POLITE = phrases(
    "i want you to|i would like you to|i'd like you to|i need you to|would you mind|could you please|"
    "can you please|would you please|will you please|could you|can you|would you|will you|please|kindly|let us|"
    "let's|you should|you must|you need to|you have to|i want to|i would like to|i'd like to|i need to|"
    "we should|we need to|make sure to|be sure to|don't forget to|do not|don't|never|just|now|hi|hello|hey|"
    "to do|i want|i need|i would like|i'd like|help me|go ahead and"
)
BARE_POLITE = phrases("i want|i need|i would like|i'd like|let's|you should|help me")
THEN = phrases(
    "and then|then|after that|afterwards|afterward|next|finally|and finally|lastly|later|subsequently|"
    "and subsequently|and afterwards|and after that|thereafter|once done|when done|followed by|and next|"
    "and lastly|after this|and later"
)
PARALLEL = phrases(
    "and at the same time|at the same time|meanwhile|and meanwhile|in the meantime|and in the meantime|"
    "simultaneously|and simultaneously|and also|also|and|plus|as well as|in addition|additionally|besides|"
    "in parallel|but"
)
FIRST = phrases("first|firstly|first of all|to begin with|start by")
OTHERWISE = phrases("or else|otherwise|else|if not|and otherwise")
IF = phrases(
    "only if|if|in case|unless|provided that|when|once|as soon as|the moment|as long as|assuming that|assuming|"
    "in the event that|even if|only when"
)
NEGATED = frozenset({"unless"})
EACH = phrases("every time|each time|whenever|for each|for every|any time|anytime")
FOR_EACH = phrases("for each|for every")
WHILE = phrases("while|whilst")
AFTER = phrases("right after|immediately after|shortly after|after")
BEFORE = phrases("right before|just before|before")
# Their complement may hold a clause of its own: "tell me when the bank opens".
REPORTING = words("tell ask know explain show say see check wonder find describe write teach learn remember decide")
# Verbs whose infinitive is content, not a task of its own.
GOVERNING = words(
    "remind tell ask order teach instruct help allow let persuade force advise invite want remember learn"
)
REFERENCES = words("it them those these itself themselves her its")
RESULTS = words(
    "result results summary summaries output outputs translation transcript outcome answer link screenshot "
    "findings total"
)
