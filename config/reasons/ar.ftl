# ما يقوله Hamlet للناس بالعربية. يشرح en.ftl مواضع الرسائل، ولكل رمز في src/rules/mod.rs هنا عبارة اسمية نكرة بلا نقطة.

approve = قُبل: { $because }.
hold = أُحيل إلى المراجعة: { $because }.
spam = صُنّف تعليقًا مزعجًا: { $because }.
discard = حُذف: { $because }.
shadow = نُشر لأن الموقع في وضع المراقبة الصامتة، ولولا ذلك: { $sentence }

nothing = لا شيء فيه يشبه التعليقات المزعجة
small-signs = اجتمعت فيه علامات إزعاج صغيرة

with-note = { $says } ({ $note })
with-entry = { $says }: { $note }
quoted = «{ $words }»
and = { $head } و{ $next }
and-last = { $head } و{ $next }

otherwise-approve = لولا ما يلي لقُبل التعليق: { $what }.
otherwise-hold = لولا ما يلي لاكتُفي بإحالة التعليق إلى المراجعة: { $what }.
otherwise-spam = لولا ما يلي لاكتُفي بتصنيف التعليق مزعجًا: { $what }.

said-ham = قال { $by } إن هذا التعليق سليم.
said-spam = قال { $by } إن هذا التعليق مزعج.
decided-approve = قرّر { $by } قبول التعليق.
decided-hold = قرّر { $by } إحالة التعليق إلى المراجعة.
decided-spam = قرّر { $by } أن التعليق مزعج.
decided-discard = قرّر { $by } حذف التعليق.

commenter-approved = نُشر تعليقك.
commenter-held = تعليقك قيد المراجعة.
commenter-rejected = لم يُنشر تعليقك.

not-sent = لم يُرسَل: { $fields }.
field-author-name = اسم الكاتب
field-author-email = بريد الكاتب الإلكتروني
field-author-url = موقع الكاتب
field-author-user_agent = اسم المتصفح
field-author-role = صفة الكاتب في الموقع
field-referrer = الصفحة المُحيلة
field-honeypot = الحقل الخفي
field-form_seconds = مدة الكتابة

PRIOR = نسبة المزعج بين التعليقات كلها
BOUND = الحد الأقصى للثقة في أي حكم
BAYES = كلمات شائعة في التعليقات المزعجة
BAYES-ham = كلمات شائعة في التعليقات العادية
BAYES_SITE = كلمات من تعليقات عدّها مشرفو هذا الموقع مزعجة
BAYES_SITE-ham = كلمات من تعليقات عدّها مشرفو هذا الموقع سليمة
ROLE_STAFF = كاتب موثوق به في هذا الموقع
ALLOW_LIST = مدخل في قائمة السماح
BLOCK_LIST = مدخل في قائمة الحظر

ZW_IN_WORD = محارف غير مرئية داخل الكلمات
BIDI_OVERRIDE = محارف تعكس اتجاه النص
BIDI_MARK_STUFFING = علامات اتجاه داخل الكلمات
MIXED_SCRIPT_WORD = كلمات تخلط حروفًا متشابهة من أبجديتين
HOMOGLYPH_WORD = كلمة دعائية مزعجة بحروف شبيهة من أبجدية أخرى
STYLED_LETTERS = حروف رياضية أو زخرفية
FULLWIDTH_LATIN = حروف لاتينية عريضة
ZALGO_COMBINING = علامات مكدّسة فوق الحروف
TAG_OR_VARIATION_PAYLOAD = محارف خفية تحمل بيانات
PRIVATE_USE_CHARS = محارف لا معنى لها
LEET_WORD = كلمة دعائية مزعجة كُتبت بأرقام أو رموز
GAPPY_WORD = كلمة دعائية مزعجة كُتبت بفراغات بين حروفها

LINKS_MANY = روابط كثيرة
DOMAINS_MANY = روابط إلى مواقع كثيرة مختلفة
LINK_DENSITY = روابط تفوق النص حجمًا
URL_ONLY = رابط لا يكاد يصحبه كلام
ANCHOR_BBCODE = روابط بشيفرة المنتديات
ANCHOR_MULTI_SYNTAX = روابط مكتوبة بعدة صيغ معًا
ANCHOR_TEXT_MISMATCH = رابط يذكر موقعًا ويقود إلى غيره
HIDDEN_TEXT = نص مخفي عن القرّاء
URL_SHORTENER = روابط عبر خدمة لاختصار الروابط
OPEN_REDIRECT = روابط تمر بصفحة تحويل في موقع آخر
URL_HOMOGRAPH = اسم نطاق بحروف شبيهة بغيرها
URL_RAW_IP = روابط إلى عنوان رقمي بلا اسم نطاق
URL_USERINFO = روابط فيها اسم مستخدم قبل اسم النطاق
URL_ODD_PORT = روابط إلى منفذ غير معتاد
URL_DEEP_SUBDOMAIN = أسماء نطاقات كثيرة الأجزاء
URL_OBFUSCATED_TEXT = روابط مكتوبة للتحايل على الترشيح
URL_SUSPICIOUS_TLD = روابط بامتداد يكثر فيه الإزعاج
URL_FREE_HOST = روابط إلى صفحة من استضافة مجانية
URL_SCRIPT = روابط تشغّل شيفرة برمجية
MESSENGER_LINK = روابط إلى تطبيق مراسلة
ZW_IN_URL = محارف غير مرئية داخل رابط
URL_SPAM_WORD = كلمات دعائية مزعجة في عنوان رابط

NAME_IS_URL = عنوان موقع مكان اسم الكاتب
NAME_KEYWORD = كلمات دعائية مزعجة في اسم الكاتب
NAME_TEMPLATE = اسم يبدو أنه وُلّد آليًا
NAME_HAS_PHONE = رقم هاتف في اسم الكاتب
NAME_IN_ANCHOR = رابط موقّع باسم الكاتب
AUTHOR_URL_DEEP = عنوان للكاتب يروّج لصفحة بعينها
EMAIL_DISPOSABLE = عنوان بريد إلكتروني مؤقت
EMAIL_LINK_DOMAIN = روابط إلى نطاق بريد الكاتب نفسه

HONEYPOT_FILLED = حقل خفي مُلئ
FORM_TOO_FAST = استمارة أُرسلت أسرع مما يكتب البشر
REFERRER_FOOTPRINT = بحث عن أماكن يُنشر فيها الإزعاج
UA_BOT = برنامج آلي مكان المتصفح
UA_MISSING = اسم متصفح فارغ
TEMPLATE_SPINTAX = قالب لم تُملأ فراغاته
EXPLOIT_PAYLOAD = محاولة اختراق للموقع
TRACKBACK_TEMPLATE = عبارات من برامج التعقيب الآلي
LLM_BOILERPLATE = عبارات يقولها مولّد نصوص عن نفسه

SPAM_CASINO = كلمات من إعلانات القمار المزعجة
SPAM_PHARMA = كلمات من إعلانات الأدوية والتنحيف المزعجة
SPAM_LOANS = كلمات من إعلانات القروض المزعجة
SPAM_MONEY = وعود بمال سهل
SPAM_CRYPTO = كلمات من إعلانات التداول المزعجة
SPAM_SEO = كلمات من إعلانات التصدّر في محركات البحث
SPAM_ADULT = كلمات من الإعلانات الإباحية
SPAM_ESSAY = بحوث ووثائق معروضة للبيع
SPAM_REPLICA = كلمات من إعلانات السلع المقلّدة
SPAM_STREAMING = كلمات من إعلانات المحتوى المقرصن
SPAM_FOLLOWERS = متابعون معروضون للبيع
SPAM_OCCULT = سحر وعلاج خارق واسترداد أموال
SPAM_SERVICES = إعلانات عن خدمات محلية
SPAM_PROMOTION = ترويج الكاتب لقناته أو صفحته
PRAISE_PLUS_LINK = مديح عام معه رابط
PHONE_NUMBER = رقم هاتف
MESSENGER_CALL = دعوة إلى التواصل عبر تطبيق مراسلة
EMAIL_IN_BODY = عنوان بريد إلكتروني في النص
CRYPTO_ADDRESS = عنوان محفظة عملات رقمية
WORD_REPEAT = تكرار للكلمات نفسها
KEYWORD_LIST = قائمة بكلمات بحث
SHOUTING = أحرف كبيرة في النص كله
PUNCTUATION_RUN = صفوف من علامات التعجب
EMOJI_MANY = رموز تعبيرية كثيرة
HASHTAGS_MANY = وسوم كثيرة

AR_TATWEEL_STUFFING = كلمات ممطوطة بالتطويل للتحايل على الترشيح
AR_DIACRITIC_STUFFING = تشكيل في غير موضعه
AR_LOOKALIKE_MIX = كلمة دعائية مزعجة بحروف فارسية أو أردية
AR_PRESENTATION_FORMS = حروف عربية بأشكالها الطباعية
AR_MIXED_DIGITS = رقم مكتوب بنوعين من الأرقام
AR_CHAIN_PRAYER = رسالة متسلسلة معها رابط

URL_OWN_SITE = روابط إلى هذا الموقع وحده
AUTHOR_MEMBER = كاتب من أعضاء الموقع
